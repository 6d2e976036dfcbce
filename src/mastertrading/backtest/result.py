"""What a backtest leaves behind, before anybody writes or prints it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

from mastertrading.domain.instrument import Instrument
from mastertrading.domain.market import I64, Records

if TYPE_CHECKING:
    from mastertrading.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Funnel:
    """How often each module and each gate spoke, counted over the minutes of a run.

    Attributes
    ----------
    minutes
        Decided minutes per instrument, shape (instruments,).
    module_fires
        Minutes with a direction, split (instruments, modules, 2): long, short.
    module_refusals
        First refusals of each module's own gates, shape (instruments, modules, 16); index = gate number.
    module_asked, module_passed
        Minutes in which each gate of a module was asked, and said yes; same shape.
    gate_asked, gate_passed, gate_first
        The allocator's and risk's gates: asked, passed, first to refuse; shape (instruments, 32); index = Gate.
    """

    minutes: I64
    module_fires: I64
    module_refusals: I64
    module_asked: I64
    module_passed: I64
    gate_asked: I64
    gate_passed: I64
    gate_first: I64

    @classmethod
    def empty(cls, instruments: int, modules: int) -> Funnel:
        """Nothing counted yet."""

        def zeros(*shape: int) -> I64:
            return np.zeros(shape, np.int64)

        per_module = (instruments, modules, 16)
        return cls(
            zeros(instruments),
            zeros(instruments, modules, 2),
            zeros(*per_module),
            zeros(*per_module),
            zeros(*per_module),
            zeros(instruments, 32),
            zeros(instruments, 32),
            zeros(instruments, 32),
        )

    def arrays(self) -> tuple[I64, ...]:
        """The counts in the order in which they are declared."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class Result:
    """One finished run.

    Attributes
    ----------
    identify
        Computes ``run_id``: hashing everything that went in is left to whoever asks.
    modules
        Names of the forecast columns (``trend, meanrev, carry, smc``, or ``user`` with ``--signals``).
    trades, fills, payments, events, stops, equity
        Records of TRADE, FILL, PAYMENT, EVENT, STOP_MOVE and EQUITY (engine/book.py).
    account
        The ACCOUNT record at the end.
    from_ms, to_ms
        First and last moment of decision.
    first_close, last_close
        Close of each instrument at those moments, for buy-and-hold.
    path_range
        Net result of the same run, in atoms, under each assumption about the path inside a bar:
        ``{"nearest_first": .., "best": .., "worst": ..}`` (empty where not asked for).
    still_open, held_lots, unexplained_atoms
        Only of an account that trades on: TRADE records of positions that are open, with what they have realised, the
        signed lots of each instrument, and money that no trade, charge or transfer explains.
    costs_doubled
        Net result of the same run, in atoms, with fees and slippage doubled; None where not asked for.
    """

    instruments: tuple[Instrument, ...]
    modules: tuple[str, ...]
    settings: Settings
    identify: Callable[[], str]
    data_id: str
    code_id: str
    grade: str
    base_ms: int
    from_ms: int
    to_ms: int
    initial_atoms: int
    trades: Records
    fills: Records
    payments: Records
    events: Records
    stops: Records
    equity: Records
    account: Records
    funnel: Funnel
    first_close: np.ndarray
    last_close: np.ndarray
    path_range: dict[str, int] = field(default_factory=dict)
    costs_doubled: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    source: str = ""
    still_open: Records | None = None
    held_lots: I64 | None = None
    unexplained_atoms: int = 0

    @property
    def config_hash(self) -> str:
        """Hash of the settings."""
        from mastertrading.settings.load import config_hash  # who only reads tables needs no schema

        return config_hash(self.settings)

    @property
    def run_id(self) -> str:
        """Identity of the run: hash of code, configuration, data, window and forecasts."""
        return self.identify()
