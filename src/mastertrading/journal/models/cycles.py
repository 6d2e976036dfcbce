"""What was seen and decided, minute by minute. This is what is thinned with age."""

from __future__ import annotations

from django.db import models

from mastertrading.journal.fields import ExactDecimalField
from mastertrading.journal.models.base import Row, ms, unique, whole, word


class Cycle(Row):
    """One cycle: its bar, its snapshot, what it was told beside the bars, and the engine's record after it."""

    number = whole()
    run = models.ForeignKey("journal.Run", null=True, on_delete=models.PROTECT, related_name="+")
    epoch = whole()
    bar_ms = ms()
    snapshot = whole()
    started_ms = ms()
    committed_ms = ms()
    inputs = models.BinaryField(null=True)
    state = models.BinaryField(null=True)
    has_state = models.BooleanField(default=False)

    class Meta:
        constraints = (unique("cycle_number", "number"),)
        indexes = (
            models.Index(
                fields=("account", "number"), name="journal_cycle_state", condition=models.Q(has_state=True)
            ),
            models.Index(fields=("account", "started_ms"), name="journal_cycle_time"),
            models.Index(fields=("account", "bar_ms"), name="journal_cycle_bar"),
        )

    def __str__(self) -> str:
        return f"cycle {self.number}"


class Decision(Row):
    """Why an instrument did or did not trade in a minute: the engine's DECISION and the modules' verdicts."""

    cycle = whole()
    snapshot = whole()
    symbol = word()
    ts_ms = ms()
    net = models.FloatField(default=0.0)
    lots = whole()
    evaluated = whole()
    passed = whole()
    unknown = whole()
    refusal = models.SmallIntegerField(default=0)
    agreeing = models.SmallIntegerField(default=0)
    votes_long = models.SmallIntegerField(default=0)
    votes_short = models.SmallIntegerField(default=0)
    budget_frac = models.FloatField(default=0.0)
    risk_frac = models.FloatField(default=0.0)
    risk_lots = models.FloatField(default=0.0)
    instrument_lots = models.FloatField(default=0.0)
    leverage_lots = models.FloatField(default=0.0)
    correlated_lots = models.FloatField(default=0.0)
    value_at_risk_lots = models.FloatField(default=0.0)
    exit_reason = models.SmallIntegerField(default=0)
    side = models.SmallIntegerField(default=0)
    missed = models.BooleanField(default=False)
    close = ExactDecimalField(null=True)
    htf_adx = models.FloatField(null=True)
    volatility = models.FloatField(null=True)
    verdicts = models.TextField(default="[]")

    class Meta:
        constraints = (unique("decision_minute", "symbol", "ts_ms"),)
        indexes = (models.Index(fields=("account", "ts_ms"), name="journal_decision_time"),)

    def __str__(self) -> str:
        return f"{self.symbol} {self.ts_ms}"


class EquityPoint(Row):
    """The account at one moment."""

    ts_ms = ms()
    equity = ExactDecimalField()
    wallet = ExactDecimalField()
    exposure = ExactDecimalField()
    transferred = ExactDecimalField()

    class Meta:
        constraints = (unique("equity_moment", "ts_ms"),)

    def __str__(self) -> str:
        return f"{self.ts_ms} {self.equity}"
