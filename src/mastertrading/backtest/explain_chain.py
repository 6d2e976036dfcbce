"""What a question about one minute is answered with: plain data, of which ``dataclasses.asdict`` makes JSON."""

from __future__ import annotations

from dataclasses import dataclass

from mastertrading.backtest.explain_gates import Value


@dataclass(frozen=True, slots=True)
class Asked:
    """One gate: ``passed``, ``refused``, ``not_asked``, or ``unknown`` (let pass, for want of data)."""

    stage: str
    gate: str
    verdict: str
    value: Value
    limit: Value
    unit: str
    setting: str
    trial: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one module said.

    Attributes
    ----------
    now
        Its forecast at this bar; 0 = none.
    remembered, said_ms
        Its newest forecast within its time to live, and the close at which it gave it.
    expired
        It spoke shortly before, but too long ago to count.
    votes
        ``long``, ``short``, or empty.
    silent
        Why a remembered forecast does not count: ``not_allowed``, ``below_floor`` or empty.
    weight, multiplier, adds
        Its weight, the multiplier of a confluence, and what it adds to net; None where they cannot be derived.
    """

    module: str
    now: float
    remembered: float | None
    said_ms: int | None
    expired: bool
    votes: str
    silent: str
    weight: float | None
    multiplier: float
    adds: float | None
    first_refusal: str | None
    gates: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class SizeStep:
    """Lots that one limit left."""

    limit: str
    lots: int
    cut: bool
    setting: str


@dataclass(frozen=True, slots=True)
class Sizing:
    """From the risk budget to lots. ``parts``: factors of the budget; ``deciding``: the limit that set the size."""

    parts: dict[str, float]
    session: str
    budget_frac: float
    risk_frac: float
    cap: str
    steps: tuple[SizeStep, ...]
    deciding: str


@dataclass(frozen=True, slots=True)
class Executed:
    """One fill."""

    ts_ms: int
    order_side: str
    qty: str
    px: str
    fee_atoms: int
    reason: str
    trade_id: int


@dataclass(frozen=True, slots=True)
class Order:
    """The entry that was ordered.

    ``outcome``: ``filled``, ``dropped``, ``lapsed`` or ``last``; of a trader's journal also ``missed``, ``withheld``,
    ``venue_refused``, ``unresolved`` or ``absent``, with what is known of it as ``detail``.
    """

    side: str
    qty: str
    outcome: str
    px: str | None
    stop_px: str | None
    trade_id: int | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """The position when the minute was decided."""

    trade_id: int
    side: str
    qty: str
    opened_ms: int
    entry_px: str
    modules: str
    stop_px: str | None
    stop_is_initial: bool
    exit_ordered: str | None


@dataclass(frozen=True, slots=True)
class Closed:
    """How the trade of the order or of the position ended."""

    trade_id: int
    closed_ms: int
    exit_px: str
    reason: str
    net_atoms: int
    r: float | None


@dataclass(frozen=True, slots=True)
class Chain:
    """The whole chain of one minute. Times are ms UTC; ``ts_ms`` is the close of the bar.

    Attributes
    ----------
    close_px, htf_adx, volatility
        Close of the bar, HTF ADX and ATR% (as a fraction) that gates compared; None where the bar is missing, they
        were unknown, or the run is of a version that did not record them.
    """

    run_id: str
    instrument: str
    ts_ms: int
    bar_open_ms: int
    net: float
    threshold: float | None
    agreeing: int
    needed_modules: int
    wish: str
    long_multiplier: float
    weights_known: bool
    modules: tuple[Said, ...]
    gates: tuple[Asked, ...]
    first_refusal: str | None
    sizing: Sizing | None
    order: Order | None
    position: Held | None
    next_bar: tuple[Executed, ...]
    closed: Closed | None
    close_px: str | None = None
    htf_adx: float | None = None
    volatility: float | None = None

    def refusal(self) -> Asked | None:
        """The gate that refused first."""
        return next((gate for gate in self.gates if gate.gate == self.first_refusal), None)
