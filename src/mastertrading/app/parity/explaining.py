"""A journal beside the backtest of its bars: the same, or every difference with its cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mastertrading.app.parity.causes import Case, Cause, Detective, Finding, by_cause
from mastertrading.app.parity.prints import DECIDED, DecisionPrint, Filled, Prints, trade_hash
from mastertrading.app.parity.retold import FOREVER_MS, Minute, Retelling
from mastertrading.backtest.difference import changed_settings
from mastertrading.backtest.run import Ask, run
from mastertrading.compiled.kernel import code_key
from mastertrading.domain.facts import DecisionFacts, RunFacts
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.domain.market import Market, Records
from mastertrading.domain.ports import Journal
from mastertrading.domain.reasons import FillReason
from mastertrading.settings.load import to_toml
from mastertrading.settings.schema import Settings

SHOWN = 3
"""Columns of a decision that are named in a sentence."""


@dataclass(frozen=True, slots=True)
class Parity:
    """What came of it.

    Attributes
    ----------
    backtest, lived
        Prints of the backtest over the bars that were told, and of the journal.
    findings
        Differences, in the order of time, each of its own bar: what follows from an earlier one is none.
    missed
        Closes of bars of which the journal has no inputs, or which came too late.
    """

    account: str
    from_ms: int
    to_ms: int
    instruments: tuple[str, ...]
    backtest: Prints
    lived: Prints
    findings: tuple[Finding, ...]
    missed: tuple[int, ...]

    @property
    def is_same(self) -> bool:
        """Whether it is the backtest to the last bit."""
        return self.backtest == self.lived

    @property
    def is_explained(self) -> bool:
        """Whether every difference has a cause."""
        unexplained = any(one.cause is Cause.UNEXPLAINED for one in self.findings)
        return self.is_same or (bool(self.findings) and not unexplained)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "same": self.is_same,
            "explained": self.is_explained,
            "account": self.account,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "instruments": list(self.instruments),
            "backtest": self.backtest._asdict(),
            "lived": self.lived._asdict(),
            "missed_bars": list(self.missed),
            "causes": dict(by_cause(self.findings)),
            "findings": [asdict(one) for one in self.findings],
        }


def explain(journal: Journal, market: Market, settings: Settings) -> Parity:
    """Judge a journal bar by bar, and as a whole.

    Parameters
    ----------
    settings
        Those of the backtest. Where the account was traded with others, that is the cause.
    """
    retelling = Retelling(journal, market, settings)
    facts = _Facts(journal, market.symbols, retelling)
    detective = Detective(journal, facts.missed)
    findings = list(_of_runs(journal.runs(), settings, retelling.from_ms))
    has_reason = bool(findings)
    decisions, fills = DecisionPrint(), []
    for minute in retelling.minutes(facts.missed):
        told = facts.of(minute.close_ms)
        if told is not None:
            decisions.add_facts(told)
        fills += _filled(minute.fills)
        if not has_reason:  # under other settings or other code every minute may differ, and has that cause
            findings += _of_decisions(minute, told, facts.missed)
            findings += _of_fills(minute, market, detective)
            findings += _of_payments(minute, market)
    lived = Prints(trade_hash(sorted(fills)), decisions.text, len(fills), decisions.bars)
    span = retelling.from_ms, retelling.to_ms
    return Parity(
        str(journal.account),
        *span,
        market.symbols,
        _backtest(retelling.market, settings, span),
        lived,
        tuple(findings),
        tuple(sorted(facts.missed)),
    )


class _Facts:
    """The decisions that a journal holds, minute by minute."""

    def __init__(self, journal: Journal, symbols: Sequence[str], retelling: Retelling) -> None:
        self._rows = [
            {row.ts_ms: row for row in journal.decisions(symbol, 0, FOREVER_MS)} for symbol in symbols
        ]
        missed = {ms for ms, row in self._rows[0].items() if row.missed}
        self.missed = frozenset(missed | set(retelling.missing))

    def of(self, close_ms: int) -> tuple[DecisionFacts, ...] | None:
        """Of every instrument; None: there is none."""
        found = [rows.get(close_ms) for rows in self._rows]
        return None if None in found else tuple(one for one in found if one is not None)


def _backtest(market: Market, settings: Settings, span: tuple[int, int]) -> Prints:
    decisions = DecisionPrint()
    result = run(
        market,
        settings,
        Ask(*span, all_paths=False),
        on_decisions=lambda closes, said, made, rows: decisions.add(closes, made),
    )
    fills = sorted(_filled(result.fills[result.fills["reason"] != FillReason.END_OF_DATA]))
    return Prints(trade_hash(fills), decisions.text, len(fills), decisions.bars)


def _filled(rows: Records) -> list[Filled]:
    names = "instrument", "ts_ms", "lots", "px_ticks", "fee_atoms", "reason"
    return [tuple(int(row[name]) for name in names) for row in np.asarray(rows)]  # type: ignore[misc]


# ---------------------------------------------------------------- differences
def _of_runs(runs: Sequence[RunFacts], settings: Settings, from_ms: int) -> Iterator[Finding]:
    """Processes that traded with other settings or other code than the backtest does."""
    import tomllib

    mine, code = tomllib.loads(to_toml(settings)), code_key()
    seen: set[tuple[str, str]] = set()
    for one in runs:
        if (one.config_hash, one.code_id) in seen:
            continue
        seen.add((one.config_hash, one.code_id))
        other = [c for c in changed_settings(tomllib.loads(one.config), mine)] if one.config else []
        for pair in other:
            why = "the account was traded with another setting"
            yield Finding(
                max(one.started_ms, from_ms),
                "",
                pair.name,
                str(pair.a),
                str(pair.b),
                Cause.CONFIGURATION,
                why,
            )
        if one.code_id and one.code_id != code:
            why = "the account was traded by other code"
            yield Finding(
                max(one.started_ms, from_ms), "", "code", one.code_id[:12], code[:12], Cause.CODE, why
            )


def _of_decisions(
    minute: Minute, told: tuple[DecisionFacts, ...] | None, missed: frozenset[int]
) -> Iterator[Finding]:
    if told is None:
        why = "nobody was there: the journal has no decision"
        yield Finding(minute.close_ms, "", "decision", "nothing", "a decision", Cause.MISSED_BAR, why)
        return
    for fact, row in zip(told, minute.decisions, strict=True):
        pairs = [(name, getattr(fact, name), row[name].item()) for name in DECIDED]
        other = [pair for pair in pairs if pair[1] != pair[2]]
        if other:
            was, would = (", ".join(f"{p[0]} {p[k]:g}" for p in other[:SHOWN]) for k in (1, 2))
            is_late = minute.close_ms in missed
            cause = Cause.MISSED_BAR if is_late else Cause.UNEXPLAINED
            why = "decided when it was too late" if is_late else "from the same book, bar and settings"
            yield Finding(minute.close_ms, fact.symbol, "decision", was, would, cause, why)


def _of_fills(minute: Minute, market: Market, detective: Detective) -> Iterator[Finding]:
    kinds = {(int(f.instrument), int(f.reason)) for rows in (minute.fills, minute.foretold) for f in rows}
    for n, reason in sorted(kinds):
        was, would = (
            [f for f in rows if (int(f.instrument), int(f.reason)) == (n, reason)]
            for rows in (minute.fills, minute.foretold)
        )
        case = Case(market.instruments[n], minute.close_ms, market.base_ms, FillReason(reason), was, would)
        if not case.is_same:
            yield detective.cause(case)


def _of_payments(minute: Minute, market: Market) -> Iterator[Finding]:
    """Funding is the venue's own: what it charged is what there was to pay."""
    for n, instrument in enumerate(market.instruments):
        was, would = (
            sum(int(p.atoms) for p in rows if int(p.instrument) == n)
            for rows in (minute.payments, minute.charged)
        )
        if was != would:
            paid, due = (f"{value / ATOMS_PER_UNIT:.8f}" for value in (was, would))
            why = "the venue charged another sum than the recorded rates give"
            yield Finding(
                minute.close_ms, instrument.symbol, "funding", paid, due, Cause.FUNDING, why, would - was
            )
