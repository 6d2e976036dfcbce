"""What a kernel may use, so that it gives the same bits compiled and interpreted, and sees nothing it should not.

Powers, sums over arrays and hyperbolic functions differ in the last bit between the two; ``int(nan)`` is undefined
when compiled; a list or array of the module is frozen into the machine code.
"""

from __future__ import annotations

import ast

import numpy as np
import pytest

from architecture.source import kernels, modules, trees

KERNELS = {f"{path}:{node.name}": (path, node) for path, node in kernels()}

NUMPY = {
    "nan",
    "inf",
    "int64",
    "float64",
    "uint64",
    "uint32",
    "uint8",
    "zeros",
    "empty",
    "full",
    "recarray",
    "ndarray",
}
MATH = {"nan", "inf", "isnan", "isfinite", "isinf", "sqrt", "exp", "log", "floor", "ceil"}
REDUCTIONS = {
    "sum",
    "mean",
    "std",
    "var",
    "dot",
    "prod",
    "cumsum",
    "cumprod",
    "max",
    "min",
    "argmax",
    "argsort",
    "sort",
}
BUILTINS = {
    "sum",
    "pow",
    "round",
    "sorted",
    "map",
    "filter",
    "eval",
    "exec",
    "open",
    "print",
    "list",
    "dict",
    "set",
}
WHOLE = {"int", "floor", "ceil"}
GUARDS = {"isnan", "isfinite"}

FINITE = {
    "backtest/replay.py:first_bar_at": "times are whole numbers",
    "engine/sleep.py:watch": "a mark is a whole number",
    "engine/sleep.py:set_alarm": "money is whole, the peak of what was once an equity finite",
    "engine/sleep.py:margin_reach": "prices and lots are whole numbers",
    "engine/rows.py:ticks": "it is asked for good bars only, whose prices are numbers",
    "research/bench/floor.py:flat_many": "a walk has no missing bar, so its prices are numbers",
    "research/bench/floor.py:flat_one": "a walk has no missing bar, so its prices are numbers",
    "rules/allocation/combine.py:reaches_floor": "a forecast is a number: modules that are not ready say 0",
    "rules/position/margin.py:maintenance_bound": "a notional and a rate are whole numbers",
    "rules/position/exits.py:quiet_gain": "ticks are whole numbers, the multiples are settings",
    "rules/position/exits.py:trail": "ticks are whole numbers, the share is a setting",
    "rules/position/exits.py:partial_lots": "lots are whole numbers, the share is a setting",
    "rules/position/exits.py:partial_ticks": "ticks are whole numbers, the multiple is a setting",
    "rules/risk/sizing.py:whole_lots": "an amount that is not above zero, NaN included, gives 0 before",
    "rules/risk/sizing.py:stop_distance_ticks": "gate VOLATILITY refuses before where it is unknown and read",
    "rules/risk/sizing.py:target_distance_ticks": "gate VOLATILITY refuses before where it is unknown and read",
}
"""Kernels that make whole numbers of floats without a guard of their own, and why none is needed.

Kernels not listed here must have a guard in themselves or take numbers that are whole already.
"""


def calls(node):
    return [one for one in ast.walk(node) if isinstance(one, ast.Call)]


def test_there_are_kernels_to_look_at():
    assert len(KERNELS) > 50


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_keeps_to_arithmetic_that_is_the_same_compiled_and_interpreted(name):
    _, node = KERNELS[name]
    for one in ast.walk(node):
        assert not isinstance(one, (ast.Pow, ast.MatMult)), "x ** y differs in the last bit: multiply"
        assert not isinstance(one, (ast.Global, ast.Nonlocal)), "a kernel has no hidden state"
        assert not isinstance(one, (ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp, ast.Lambda))
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            if one.value.id == "np":
                assert one.attr in NUMPY, f"np.{one.attr} is not for kernels"
            if one.value.id == "math":
                assert one.attr in MATH, f"math.{one.attr} is not for kernels"
    for call in calls(node):
        if isinstance(call.func, ast.Name):
            assert call.func.id not in BUILTINS, f"{call.func.id}() is not for kernels"
        if isinstance(call.func, ast.Attribute):
            assert call.func.attr not in REDUCTIONS, f".{call.func.attr}() is not for kernels"


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_reads_no_list_or_array_of_its_module(name):
    path, node = KERNELS[name]
    changeable = set()
    for statement in trees()[path].body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(statement.value, _CHANGEABLE):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            changeable |= {target.id for target in targets if isinstance(target, ast.Name)}
    used = {one.id for part in node.body for one in ast.walk(part) if isinstance(one, ast.Name)}
    assert not changeable & used


_CHANGEABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def makes_whole_numbers(node):
    """Calls of int, floor or ceil on something that is written as a float."""
    for call in calls(node):
        function = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        inner = call.args[0] if call.args else None
        if function in WHOLE and not isinstance(
            inner, (ast.Name, ast.Attribute, ast.Compare, ast.BoolOp, ast.Constant)
        ):
            yield call


@pytest.mark.parametrize(
    "name", [name for name, (_, node) in KERNELS.items() if list(makes_whole_numbers(node))]
)
def test_a_kernel_that_rounds_to_whole_numbers_guards_against_nan_or_says_why_not(name):
    _, node = KERNELS[name]
    guarded = any(getattr(call.func, "attr", "") in GUARDS for call in calls(node))
    assert guarded or name in FINITE


def test_no_exemption_outlives_its_kernel():
    assert set(FINITE) <= set(KERNELS)


def test_nothing_is_compiled_with_fast_math():
    for path, tree in trees().items():
        keywords = {one.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for one in node.keywords}
        assert not {"fastmath", "parallel"} & keywords, path


def record_types():
    found = {}
    for module in modules("compiled", "indicators", "signals", "rules", "engine", "backtest", "settings"):
        for name, value in vars(module).items():
            if isinstance(value, np.dtype) and value.names:
                found[f"{module.__name__}.{name}"] = value
    return found


def fields(dtype):
    """Names of a record's fields, those of nested records included."""
    if dtype.subdtype is not None:
        yield from fields(dtype.subdtype[0])
    for name in dtype.names or ():
        yield name
        yield from fields(dtype[name])


RECORDS = record_types()


@pytest.mark.parametrize("name", RECORDS)
def test_no_field_of_a_record_hides_an_attribute_of_arrays(name):
    hidden = [
        field for field in fields(RECORDS[name]) if hasattr(np.recarray, field) or hasattr(np.record, field)
    ]
    assert hidden == []


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_laid_out_as_the_compiler_lays_it_out(name):
    assert RECORDS[name].isalignedstruct
