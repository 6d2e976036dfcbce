"""Which bars an account lived through: named in a small file beside its journal, so that they can be had again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from mastertrading.domain.errors import DataUnreadable
from mastertrading.domain.market import F64, MINUTE_MS, Market
from mastertrading.lake.names import timeframe_name
from mastertrading.lake.panel import load_market
from mastertrading.lake.synthetic import synthesize
from mastertrading.settings.schema import Settings

BARS = "bars.json"


@dataclass(frozen=True, slots=True)
class NamedBars:
    """Bars by name: those of a folder, or made from a seed.

    Attributes
    ----------
    data, venue
        The folder, and the venue in it; empty: they are made.
    days, seed
        Of bars that are made.
    from_ms, to_ms
        What of a folder is read; None: all.
    """

    instruments: tuple[str, ...]
    data: str = ""
    venue: str = ""
    days: float = 0.0
    seed: int = 0
    from_ms: int | None = None
    to_ms: int | None = None

    def market(self, settings: Settings, notice: Callable[[str], None] = lambda sentence: None) -> Market:
        """The bars, with sizes in whole lots as a venue tells them.

        Raises
        ------
        DataMissing, DataUnreadable
            If they are not there any more.
        """
        minutes = settings.data.base_minutes
        if not self.data:
            return in_lots(synthesize(self.instruments, self.days, self.seed, base_minutes=minutes))
        return in_lots(
            load_market(
                Path(self.data),
                self.instruments,
                venue=self.venue or None,
                base=timeframe_name(minutes * MINUTE_MS),
                start=self.from_ms,
                end=self.to_ms,
                settings=settings,
                notice=notice,
            )
        )

    def write(self, folder: Path) -> None:
        """Write the file."""
        (folder / BARS).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def read(cls, folder: Path) -> NamedBars | None:
        """The bars that a folder names; None: it names none.

        Raises
        ------
        DataUnreadable
            If the file is damaged.
        """
        path = folder / BARS
        if not path.is_file():
            return None
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**told, "instruments": tuple(told["instruments"])})
        except (ValueError, KeyError, TypeError) as error:
            raise DataUnreadable(
                "the file that names the bars is damaged", why=str(error), where=str(path)
            ) from error


def in_lots(market: Market) -> Market:
    """The same bars with volumes that a venue could tell."""
    lots: F64 = np.array([float(one.lot * one.multiplier) for one in market.instruments])
    counts = np.rint(market.volume / lots)
    digits = [max(0, -int(one.lot.normalize().as_tuple().exponent)) for one in market.instruments]
    volume = np.stack([np.round(counts[:, n] * lots[n], digits[n]) for n in range(len(lots))], axis=1)
    return replace(market, volume=np.ascontiguousarray(volume))
