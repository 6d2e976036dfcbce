"""The one file that turns decimals into ticks, lots and atoms, and back.

At the gateway and in the journal money is decimal; in the engine it is whole numbers (DESIGN section 8). What does
not fit is an error here, never a rounding: only ``share_of`` below rounds, by the engine's own rule.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

from mastertrading.domain.errors import DataError
from mastertrading.domain.instrument import ATOMS_PER_UNIT, Instrument

if TYPE_CHECKING:
    from collections.abc import Callable

EXACT = Context(prec=80, traps=[Inexact, InvalidOperation, Overflow])
"""Arithmetic that raises where it would round. Never the global context: other libraries share it."""

ATOM = Decimal(1) / ATOMS_PER_UNIT
PLACES = 18
WHOLE_DIGITS = 20
_STEP = Decimal(1).scaleb(-PLACES)
_LIMIT = Decimal(10) ** WHOLE_DIGITS


def exact(value: Decimal) -> Decimal:
    """A decimal as the journal can keep it: at most 20 digits before and 18 after the point, without a tail of zeros.

    Raises
    ------
    DataError
        If it does not fit, or is no number.
    """
    if not value.is_finite() or value.copy_abs() >= _LIMIT:
        raise DataError(f"{value} cannot be kept: not a number of at most {WHOLE_DIGITS} digits")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -PLACES:
        with localcontext(EXACT) as context:
            try:
                value = value.quantize(_STEP, context=context)
            except Inexact:
                raise DataError(f"{value} cannot be kept: it has more than {PLACES} decimals") from None
    return plain(value)


def plain(value: Decimal) -> Decimal:
    """The same value without a tail of zeros and without an exponent, so that equal values have equal texts."""
    with localcontext(EXACT):
        trimmed = value.normalize() if value else Decimal(0)
        exponent = trimmed.as_tuple().exponent
        return trimmed.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else trimmed


def signed(side: int, value: Decimal) -> Decimal:
    """A value with the sign of a side. Python's own ``-`` would round it to the global context."""
    return value if side > 0 else value.copy_negate()


def lot_qty(instrument: Instrument) -> Decimal:
    """Base units in one lot."""
    with localcontext(EXACT):
        return instrument.lot * instrument.multiplier


def unit_value(instrument: Instrument) -> Decimal:
    """Quote units that one tick of one lot is worth: the grain of every cost basis."""
    with localcontext(EXACT):
        return instrument.tick * instrument.lot * instrument.multiplier


def lots(instrument: Instrument, qty: Decimal) -> int:
    """Base units as lots. Raises ``DataError`` if they are not whole."""
    return _whole(qty, lot_qty(instrument), f"{instrument.symbol}: {qty} is not a whole number of lots")


def ticks(instrument: Instrument, px: Decimal) -> int:
    """A price as ticks. Raises ``DataError`` if they are not whole."""
    return _whole(px, instrument.tick, f"{instrument.symbol}: {px} is not a whole number of ticks")


def atoms(amount: Decimal) -> int:
    """Quote units as atoms. Raises ``DataError`` if they are not whole."""
    return _whole(amount, ATOM, f"{amount} is not a whole number of atoms")


def qty_of(instrument: Instrument, count: int) -> Decimal:
    """Lots as base units."""
    with localcontext(EXACT):
        return plain(count * lot_qty(instrument))


def px_of(instrument: Instrument, count: int) -> Decimal:
    """Ticks as a price."""
    with localcontext(EXACT):
        return plain(count * instrument.tick)


def amount_of(count: int) -> Decimal:
    """Atoms as quote units."""
    with localcontext(EXACT):
        return plain(Decimal(count).scaleb(-8))


def share_of(total: Decimal, part: Decimal, whole: Decimal, grain: Decimal) -> Decimal:
    """``total * part / whole`` by the engine's rule, in whole grains, half-even.

    Where ``total`` is not whole in that grain (a venue filled off its own grid), in units of 1e-18. ``total`` is not
    negative and ``0 <= part <= whole``.
    """
    if part == whole:
        return total
    if Fraction(total) % Fraction(grain):
        grain = _STEP
    scale = max(_decimals(part), _decimals(whole))
    with localcontext(EXACT):
        share = _rule()(int(total / grain), int(part.scaleb(scale)), int(whole.scaleb(scale)))
        return plain(share * grain)


@cache
def _rule() -> Callable[[int, int, int], int]:
    # Imported at the first partial close: the rules bring the compiler along, and readers of a journal need neither.
    from mastertrading.compiled.interpreted import interpreted
    from mastertrading.rules.position.money import share_of as rule

    return interpreted(rule)


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _whole(value: Decimal, unit: Decimal, problem: str) -> int:
    count = Fraction(value) / Fraction(unit)
    if count.denominator != 1:
        raise DataError(problem, why=f"the step is {unit}")
    return count.numerator
