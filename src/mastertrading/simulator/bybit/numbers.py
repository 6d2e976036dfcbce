"""Numbers as Bybit writes them: prices and sizes with the places of their step, money with up to eight."""

from __future__ import annotations

from decimal import Decimal

from mastertrading.simulator.listing import Listing

_MONEY_PLACES = 8


class Grid:
    """The prices and sizes of one instrument as text, from whole ticks and lots.

    Integers all the way: half a million texts a second matter to a stream, and a float would round.
    """

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._tick, self.px_places = _parts(listing.instrument.tick)
        self._lot, self.qty_places = _parts(listing.instrument.lot)
        self.atoms = listing.atoms

    def px(self, ticks: int) -> str:
        """A price."""
        return _text(ticks * self._tick, self.px_places)

    def qty(self, lots: int) -> str:
        """A size."""
        return _text(lots * self._lot, self.qty_places)

    def some_px(self, ticks: int) -> str:
        """A price, or the empty text for none."""
        return self.px(ticks) if ticks else ""

    def average(self, spent: int, lots: int) -> str:
        """The price of ``spent`` tick-lots over lots, to eight places."""
        scaled = spent * self._tick * 10**_MONEY_PLACES
        return trimmed(_halves_up(scaled, abs(lots) * 10**self.px_places), _MONEY_PLACES)

    def value(self, tick_lots: int) -> str:
        """Notional of tick-lots."""
        return money(tick_lots * self.atoms)


def money(atoms: int) -> str:
    """Atoms in quote units, without idle zeros."""
    return trimmed(atoms, _MONEY_PLACES)


def rate(e8: int) -> str:
    """A rate in 1e-8, without idle zeros."""
    return trimmed(e8, _MONEY_PLACES)


def share(part: int, whole: int, places: int = 8) -> str:
    """A quotient to so many places, rounded half up; zero where there is no whole."""
    return trimmed(_halves_up(part * 10**places, whole), places) if whole else "0"


def trimmed(value: int, places: int) -> str:
    """``value / 10**places`` without idle zeros."""
    whole, rest = divmod(abs(value), 10**places)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{rest:0{places}d}".rstrip("0") if rest else f"{sign}{whole}"


def plain(value: Decimal) -> str:
    """A decimal without exponent and idle zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(value: int, places: int) -> str:
    if not places:
        return str(value)
    sign = "-" if value < 0 else ""
    digits = str(abs(value)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def _parts(step: Decimal) -> tuple[int, int]:
    """A step as a whole number and the places it is shifted by: 0.10 → 10, 2."""
    places = max(0, -int(step.as_tuple().exponent))
    return int(step.scaleb(places)), places


def _halves_up(part: int, whole: int) -> int:
    sign = -1 if (part < 0) != (whole < 0) else 1
    return sign * ((2 * abs(part) + abs(whole)) // (2 * abs(whole)))
