"""A rule as the Python function that it is written as, for callers that own no arrays.

The local exchange handles one order at a time, in whole Python numbers; handing each of them to machine code costs
more than the rule. It calls the same source text, interpreted, and equality 1 says that this is the same rule.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def interpreted(rule: Callable[P, R]) -> Callable[P, R]:
    """The Python function behind a kernel, which calls the Python functions behind other kernels."""
    return cast("Callable[P, R]", _interpreted(rule))


@cache
def _interpreted(rule: Any) -> Any:
    body = getattr(rule, "py_func", rule)
    called = {name: body.__globals__[name] for name in body.__code__.co_names if name in body.__globals__}
    kernels = {name: _interpreted(value) for name, value in called.items() if hasattr(value, "py_func")}
    scope = {**body.__globals__, **kernels}
    return FunctionType(body.__code__, scope, body.__name__, body.__defaults__, body.__closure__)
