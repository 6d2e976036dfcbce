"""Arrays without reference counts, for loops that hand arrays to rules.

Compiled code counts references to an array wherever one is passed on or unpacked from a tuple: an atomic addition of
a few nanoseconds each time, which in a bar loop came to more than the rules themselves. An entry point is called with
arrays that its caller keeps alive, so inside it they can be borrowed: the same memory, and no counting.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic, overload


def borrow(array: Any) -> Any:
    """The same array, not counted. Only for an argument of an entry point, and only while it runs.

    Interpreted, it is what it was.
    """
    return array


@intrinsic
def _uncounted(typing_context: Any, array: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, arguments[0])
        view.meminfo = view.meminfo.type(None)
        view.parent = view.parent.type(None)
        return view._getvalue()

    return array(array), codegen


@overload(borrow)
def _borrow(array: Any) -> Any:
    if not isinstance(array, types.Array):
        return None

    def uncounted(array: Any) -> Any:
        return _uncounted(array)  # type: ignore[call-arg]  # the typing context is numba's

    return uncounted
