"""Asking for memory before it is read, where a loop knows early which far place it will look at next.

A value that is not in the processor's cache takes as long as some hundred additions, and the rules of a bar cannot
begin before they have it. Asked for while something else is still computed, it is there in time.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

at: Any = cgutils.get_item_pointer
declared: Any = cgutils.get_or_insert_function
FOR_READING, KEEP, DATA = 0, 3, 1


def fetch(array: Any, t: int, i: int) -> None:
    """Ask for the place ``array[t, i]``, which must exist. Nothing is read, and nothing else changes.

    Interpreted, it does nothing at all.
    """


@intrinsic
def _fetch_item(typing_context: Any, array: Any, t: Any, i: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, arguments[0])
        item = at(context, builder, kind, view, arguments[1:])
        place, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [place, number, number, number])
        function = declared(builder.module, shape, "llvm.prefetch.p0")
        hints = (number(FOR_READING), number(KEEP), number(DATA))
        builder.call(function, (builder.bitcast(item, place), *hints))
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), codegen


@overload(fetch)
def _fetch(array: Any, t: Any, i: Any) -> Any:
    if not isinstance(array, types.Array):
        return None

    def ask(array: Any, t: Any, i: Any) -> None:
        _fetch_item(array, t, i)  # type: ignore[call-arg]  # the typing context is numba's

    return ask
