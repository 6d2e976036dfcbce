"""Everything that determines a run: the same story, the same run, to the last byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mastertrading.domain.errors import ConfigError

VENUES = ("binance_usdm", "bybit_linear", "paper")
SYMBOLS = ("BTCUSDT", "ETHUSDT")


@dataclass(frozen=True, slots=True)
class Kill:
    """A death: at the n-th numbered step of the run, and at which of the step's moments (``doors.Moment``)."""

    step: int
    moment: str


@dataclass(frozen=True, slots=True)
class Story:
    """One run.

    Attributes
    ----------
    name
        For people.
    venue
        Whose protocol, through ccxt; or ``paper``.
    seed
        Of the prices and the forecasts.
    minutes, calm_minutes
        How long faults may act, and how long they may not any more.
    wild
        Size of one minute's move as a share of the price.
    opinions
        Share of minutes in which there is a forecast.
    said
        Forecasts by symbol and minute in place of drawn ones.
    path
        Moves of the price by minute (shares) in place of drawn ones, of every instrument.
    faults
        Rows of a fault script (``simulator/faults``): ``id``, when, parameters; times in seconds from the begin.
    acts
        What else happens at the exchange: rows of an act script, ``at_s`` from the begin.
    kills
        Deaths of the process.
    overrides
        Settings by dotted name.
    streams
        The trader hears bars, prices and news by its streams; otherwise it is told them from the tape.
    rules
        Rules of the venue's protocol in place of its own, by name.
    volume_share, volumes
        The largest share of a bar's volume that orders may fill (None: no bound), and volumes by minute in place of
        the usual million.
    journal
        Where the books are kept (``shelf.KINDS``).
    """

    name: str = ""
    venue: str = "binance_usdm"
    seed: int = 0
    minutes: int = 40
    calm_minutes: int = 20
    symbols: tuple[str, ...] = SYMBOLS
    wild: float = 0.0015
    opinions: float = 0.5
    said: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    path: tuple[float, ...] = ()
    faults: tuple[Mapping[str, Any], ...] = ()
    acts: tuple[Mapping[str, Any], ...] = ()
    kills: tuple[Kill, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    streams: bool = False
    rules: Mapping[str, Any] = field(default_factory=dict)
    volume_share: float | None = None
    volumes: tuple[float, ...] = ()
    journal: str = "memory"

    @property
    def bars(self) -> int:
        """Minutes in all."""
        return self.minutes + self.calm_minutes

    def without_fault(self, n: int) -> Story:
        """The same with one fault less."""
        return replace(self, faults=self.faults[:n] + self.faults[n + 1 :])


def write_story(story: Story, path: Path, **remarks: Any) -> None:
    """Write a story as JSON; ``remarks`` stand beside it and are not read back."""
    text = json.dumps({"story": asdict(story), **remarks}, indent=2, sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def read_story(path: Path) -> Story:
    """Read a story.

    Raises
    ------
    ConfigError
        If the file cannot be read, or holds no story.
    """
    try:
        told = dict(json.loads(path.read_text(encoding="utf-8"))["story"])
        told["kills"] = tuple(Kill(**one) for one in told.get("kills", ()))
        told["said"] = {
            symbol: {int(minute): float(value) for minute, value in rows.items()}
            for symbol, rows in told.get("said", {}).items()
        }
        for name in ("symbols", "path", "faults", "acts", "volumes"):
            told[name] = tuple(told.get(name, getattr(Story(), name)))
        return Story(**told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} holds no story of a campaign", why=str(error)) from error
