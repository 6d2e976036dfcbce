"""Why a fill is not the one that the fill rule foretold: what the journal says of the order behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from mastertrading.domain.facts import Incident, OperatorCommand
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import Command, CommandState, Purpose
from mastertrading.domain.ports import Journal
from mastertrading.domain.reasons import FillReason, name_of

LATE_MS = 5_000
"""An order that goes out so long after its bar's close is a late one."""
NEAR_MS = 120_000
"""Incidents and people's commands so close to a bar may be behind what happened in it."""
PURPOSES = {
    FillReason.ENTRY: Purpose.ENTRY,
    FillReason.PARTIAL: Purpose.PARTIAL,
    FillReason.TARGET: Purpose.TARGET,
    FillReason.STOP: Purpose.STOP,
    FillReason.BREAKEVEN: Purpose.STOP,
    FillReason.TRAILING: Purpose.STOP,
}
SWITCHES = ("pause", "stop", "flatten", "emergency")
RESTING = (Purpose.STOP, Purpose.PARTIAL, Purpose.TARGET)


class Cause(StrEnum):
    """What lies behind a difference."""

    CONFIGURATION = "configuration"
    CODE = "code"
    MISSED_BAR = "missed bar"
    LATE = "late decision"
    PARTIAL = "partial fill"
    REFUSED = "refused order"
    UNFILLED = "order not filled"
    SLIPPAGE = "slippage"
    FEE = "fee"
    FUNDING = "funding"
    FAULT = "fault"
    PERSON = "a person"
    CAPITAL = "staged capital"
    VENUE = "the venue"
    FOREIGN = "not ours"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference and what lies behind it.

    Attributes
    ----------
    ts_ms
        Close of the bar.
    was, would
        What happened, and what the backtest does from the same book.
    why
        In a sentence.
    atoms
        What it cost (−) or brought (+) at once, where that can be said.
    """

    ts_ms: int
    instrument: str
    what: str
    was: str
    would: str
    cause: Cause
    why: str = ""
    atoms: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of fill of one instrument in one bar: what happened, and what was foretold."""

    instrument: Instrument
    close_ms: int
    base_ms: int
    reason: FillReason
    was: Sequence[Any]
    would: Sequence[Any]

    @property
    def is_same(self) -> bool:
        """Whether it is the very same."""
        return _plain(self.was) == _plain(self.would)


class Detective:
    """Finds causes in a journal."""

    def __init__(self, journal: Journal, missed: Iterable[int]) -> None:
        self.journal, self.missed = journal, frozenset(missed)
        self._incidents: Sequence[Incident] = journal.incidents()
        self._asked: Sequence[OperatorCommand] = journal.asked()

    def cause(self, case: Case) -> Finding:
        """Say why the two are not the same."""
        cause, why, atoms = self._cause(case)
        told = _words(case.instrument, case.was), _words(case.instrument, case.would)
        what = name_of(case.reason)
        return Finding(case.close_ms, case.instrument.symbol, what, *told, cause, why, atoms)

    def _cause(self, case: Case) -> tuple[Cause, str, int]:
        was, would = _total(case.was), _total(case.would)
        if was == would and was != 0:
            return _of_price(case)
        if case.was and case.reason >= FillReason.EMERGENCY:
            return (*_STRANGE[case.reason], 0)
        if case.was and case.reason == FillReason.LIQUIDATION:
            return Cause.VENUE, "the venue closed the position by force", 0
        commands = self._commands(case)
        for command in commands:
            if found := _of_command(case, command):
                return (*found, 0)
        return (*self._around(case, commands), 0)

    def _commands(self, case: Case) -> list[Command]:
        """Orders that could have made it, the newest first."""
        purpose = PURPOSES.get(case.reason, Purpose.EXIT)
        decided_ms = case.close_ms - case.base_ms
        since_ms = 0 if purpose in RESTING else decided_ms - 2 * case.base_ms
        found = self.journal.commands(case.instrument.symbol, since_ms, case.close_ms)
        return [one for one in reversed(found) if one.intent.purpose is purpose][:4]

    def _around(self, case: Case, commands: Sequence[Command]) -> tuple[Cause, str]:
        """What happened around it, where nothing of its own order explains it."""
        decided_ms = case.close_ms - case.base_ms
        if {decided_ms, case.close_ms} & self.missed:
            return Cause.MISSED_BAR, "the bar came when it was too late to trade on it"
        for asked in self._asked:
            holds = asked.ts_ms <= case.close_ms and not self._resumed(asked, decided_ms)
            if asked.verb in SWITCHES and holds:
                return Cause.PERSON, f"{asked.by} asked for {asked.verb}"
        for incident in self._incidents:
            near = decided_ms - NEAR_MS <= incident.ts_ms <= case.close_ms + NEAR_MS
            if near and not incident.kind.startswith("breaker"):
                return Cause.FAULT, f"{incident.kind}: {incident.detail}"
        if not commands and case.would and case.reason == FillReason.ENTRY:
            stage = self.journal.stage()
            if stage is not None:
                return Cause.CAPITAL, f"capital stage {stage.number} allows no such entry"
        return Cause.UNEXPLAINED, "the journal says nothing that explains it"

    def _resumed(self, asked: OperatorCommand, until_ms: int) -> bool:
        return any(one.verb == "resume" and asked.ts_ms < one.ts_ms <= until_ms for one in self._asked)


_STRANGE = {
    FillReason.EMERGENCY: (Cause.FAULT, "an emergency closed it"),
    FillReason.MANUAL: (Cause.PERSON, "an operator's own order"),
    FillReason.ADL: (Cause.VENUE, "the venue deleveraged the position"),
    FillReason.EXTERNAL: (Cause.FOREIGN, "an order that is not ours"),
    FillReason.UNKNOWN: (Cause.FAULT, "nothing proves whose fill it was"),
}


def _of_price(case: Case) -> tuple[Cause, str, int]:
    """The same lots, at another price or fee."""
    moved = sum(int(f.lots) * int(f.px_ticks) for f in case.would) - sum(
        int(f.lots) * int(f.px_ticks) for f in case.was
    )
    atoms = moved * case.instrument.atoms_per_tick_lot
    dearer = sum(int(f.fee_atoms) for f in case.was) - sum(int(f.fee_atoms) for f in case.would)
    if moved:
        ticks = Decimal(moved) / abs(_total(case.was))
        return Cause.SLIPPAGE, f"{-ticks:+.2f} ticks a lot against the fill rule", atoms - dearer
    return Cause.FEE, "the venue charged another fee", -dearer


def _of_command(case: Case, command: Command) -> tuple[Cause, str] | None:
    """What the order's own state says."""
    intent, state = command.intent, command.state
    called = f"order {command.client_id}"
    if state in (CommandState.REFUSED, CommandState.REJECTED):
        said = " ".join(part for part in (command.code, command.detail or command.refusal) if part)
        return Cause.REFUSED, f"{called}: {said}"
    if state in (CommandState.UNKNOWN, CommandState.ABSENT, CommandState.SENT):
        return Cause.FAULT, f"{called}: its answer was lost ({state})"
    late_ms = command.sent_ms - intent.bar_ms
    if command.sent_ms and intent.purpose is Purpose.ENTRY and late_ms > LATE_MS:
        return Cause.LATE, f"{called} went out {late_ms / 1000:.1f} s after its bar had closed"
    per_lot = case.instrument.lot * case.instrument.multiplier
    if case.was and intent.lots and command.filled_qty < intent.lots * per_lot:
        return Cause.PARTIAL, f"{called} filled {command.filled_qty / per_lot:f} of {intent.lots} lots"
    if case.was and len(case.was) and abs(_total(case.was)) < abs(_total(case.would)):
        return (
            Cause.CAPITAL,
            f"{called} was for {intent.lots} lots: a smaller share of the capital was allowed",
        )
    if case.would and not case.was and state.is_at_venue and not command.filled_qty:
        return Cause.UNFILLED, f"{called} rested, and the venue did not fill it ({state})"
    return None


def _total(fills: Sequence[Any]) -> int:
    return sum(int(fill.lots) for fill in fills)


def _plain(fills: Sequence[Any]) -> list[tuple[int, ...]]:
    return sorted((int(f.lots), int(f.px_ticks), int(f.fee_atoms)) for f in fills)


def _words(instrument: Instrument, fills: Sequence[Any]) -> str:
    """``+0.25 at 70532.5``, in base units."""
    per_lot = instrument.lot * instrument.multiplier
    told = (f"{int(f.lots) * per_lot:+f} at {int(f.px_ticks) * instrument.tick:f}" for f in fills)
    return ", ".join(told) or "nothing"


def by_cause(findings: Iterable[Finding]) -> Mapping[str, int]:
    """How many differences each cause has."""
    counted: dict[str, int] = {}
    for finding in findings:
        counted[finding.cause.value] = counted.get(finding.cause.value, 0) + 1
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
