"""What an account was traded with: the settings of its processes, its instruments and modules."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mastertrading.domain.errors import DataMissing
from mastertrading.domain.facts import RunFacts
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import MINUTE_MS
from mastertrading.domain.ports import Journal

if TYPE_CHECKING:
    from mastertrading.settings.schema import Settings


@dataclass(frozen=True)
class Account:
    """A journal, and what it says of how its account is traded.

    Attributes
    ----------
    place
        The journal's place, as it is shown: never with a password.
    at_ms
        The moment that is asked about: the process that traded then counts; None: the newest.
    """

    journal: Journal
    place: str
    at_ms: int | None = None

    @cached_property
    def run(self) -> RunFacts:
        """The process that traded at the moment.

        Raises
        ------
        DataMissing
            If nobody ever traded, or the journal does not say with what settings.
        """
        runs = [run for run in self.journal.runs() if run.config]
        if not runs:
            raise DataMissing(
                "the journal does not say how its account was traded",
                why="no process wrote its settings into it",
                where=self.place,
                hint="journals of `demo`, `replay` and `trade` do",
            )
        begun = [run for run in runs if self.at_ms is None or run.started_ms <= self.at_ms]
        return begun[-1] if begun else runs[0]

    @cached_property
    def plain_settings(self) -> Mapping[str, Any]:
        """The settings in force, as their file has them."""
        return tomllib.loads(self.run.config)

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        from mastertrading.settings.schema import Settings

        return Settings.model_validate(dict(self.plain_settings))

    @cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """Instruments that were defined, in the order of the settings."""
        names = self.plain_settings.get("instruments", {})
        found = (self.journal.instrument(str(name)) for name in names)
        return tuple(one for one in found if one is not None)

    @property
    def base_ms(self) -> int:
        """Length of a base bar."""
        return int(self.plain_settings["data"]["base_minutes"]) * MINUTE_MS

    @cached_property
    def span(self) -> tuple[int, int]:
        """Closes of the first and the last bar that were decided on; without any, from when to when it traded."""
        points = self.journal.equity()
        if points:
            return points[0].ts_ms, points[-1].ts_ms
        times = [self.run.started_ms, *(fill.ts_ms for fill in self.journal.fills())]
        first, last = (ms - ms % self.base_ms for ms in (min(times), max(times)))
        return first, last + self.base_ms

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """The modules that spoke, in the order of their bits."""
        last_ms = self.span[1]
        for instrument in self.instruments:
            decided = self.journal.decisions(instrument.symbol, last_ms - self.base_ms, last_ms + 1)
            if decided and decided[-1].verdicts:
                return tuple(one.module for one in decided[-1].verdicts)
        from mastertrading.settings.schema import MODULES

        return MODULES
