"""Exact money: whole atoms in, whole atoms out."""

from __future__ import annotations

from mastertrading.compiled import kernel

RATE_UNIT = 100_000_000


@kernel
def rate_of(atoms: int, rate_e8: int) -> int:
    """A rate of an amount, rounded half-even to whole atoms.

    Parameters
    ----------
    atoms
        The amount, of either sign, up to 9e16.
    rate_e8
        The rate in whole 1e-8, of either sign, up to 1e8 (100 %).
    """
    # Split so that no product leaves 63 bits; // and % round down, so the rest is never negative.
    whole = atoms // RATE_UNIT
    scaled = (atoms % RATE_UNIT) * rate_e8
    result = whole * rate_e8 + scaled // RATE_UNIT
    twice = 2 * (scaled % RATE_UNIT)
    if twice > RATE_UNIT or (twice == RATE_UNIT and result % 2 != 0):
        result += 1
    return result


@kernel
def share_of(total: int, part: int, whole: int) -> int:
    """``total * part / whole`` rounded half-even; ``0 <= part <= whole < 2e9``, ``total`` not negative."""
    # Split like rate_of: the cost basis of a large position times its lots would leave 63 bits.
    scaled = (total % whole) * part
    result = total // whole * part + scaled // whole
    twice = 2 * (scaled % whole)
    if twice > whole or (twice == whole and result % 2 != 0):
        result += 1
    return result


@kernel
def sign(value: int) -> int:
    """-1, 0 or +1."""
    return 1 if value > 0 else -1 if value < 0 else 0
