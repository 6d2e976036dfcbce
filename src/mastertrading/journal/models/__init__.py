"""The tables of the journal, by what they are about."""

from mastertrading.journal.models.commands import Command, CommandEvent, VenueOrder
from mastertrading.journal.models.credentials import ExchangeCredential
from mastertrading.journal.models.cycles import Cycle, Decision, EquityPoint
from mastertrading.journal.models.money import (
    Adjustment,
    Fill,
    Instrument,
    LedgerBalance,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    Trade,
)
from mastertrading.journal.models.processes import Account, Lease, Run
from mastertrading.journal.models.safety import (
    BreakerState,
    CapitalStage,
    Incident,
    Latch,
    OperatorCommand,
)

__all__ = [
    "Account",
    "Adjustment",
    "BreakerState",
    "CapitalStage",
    "Command",
    "CommandEvent",
    "Cycle",
    "Decision",
    "EquityPoint",
    "ExchangeCredential",
    "Fill",
    "Incident",
    "Instrument",
    "Latch",
    "Lease",
    "LedgerBalance",
    "LedgerEntry",
    "LedgerTransaction",
    "OperatorCommand",
    "Payment",
    "Run",
    "Trade",
    "VenueOrder",
]
