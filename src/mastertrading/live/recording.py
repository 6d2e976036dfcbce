"""What a decision leaves in the journal: the engine's row, every module's verdict, and what gates compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mastertrading.domain.facts import DecisionFacts, Verdict
from mastertrading.domain.instrument import Instrument
from mastertrading.live.ear import Heard


def decision_facts(
    instrument: Instrument,
    bar_ms: int,
    decided: Any,
    heard: Heard,
    column: int,
    modules: Sequence[str],
    *,
    missed: bool,
) -> DecisionFacts:
    """A decision as the journal keeps it (RISK-REASONS).

    Parameters
    ----------
    decided
        The engine's record of it (DECISION).
    column
        Of the instrument, in what was heard.
    """
    row, said = heard.rows[0, column], heard.verdicts[0, column]
    verdicts = tuple(
        Verdict(name, **{field: said[m][field].item() for field in said.dtype.names})
        for m, name in enumerate(modules)
    )
    return DecisionFacts(
        instrument.symbol,
        bar_ms,
        **{name: decided[name].item() for name in decided.dtype.names},
        missed=missed,
        close=instrument.tick * int(row["close"]) if row["valid"] else None,
        htf_adx=_known(row["htf_adx"]),
        volatility=_known(row["volatility"]),
        verdicts=verdicts,
    )


def _known(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)
