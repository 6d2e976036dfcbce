"""Every setting, its unit, its bounds and its default. Defaults live here and nowhere else.

Rates, distances and scores are fractions (0.003 = 0.30 %); money is in the quote currency; times are UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MODULES = ("trend", "meanrev", "carry", "smc")
ModuleName = Literal["trend", "meanrev", "carry", "smc"]
ViewName = Literal["forming", "closed"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Hour = Annotated[int, Field(ge=0, le=24)]


class Group(BaseModel):
    """A table of the configuration: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# ---------------------------------------------------------------- market data


class Views(Group):
    """How each timeframe above the base is seen: finished bars only, or with the one forming."""

    ltf: ViewName = "forming"
    htf: ViewName = "closed"
    htf2: ViewName = "closed"


class Data(Group):
    """What is read from the lake."""

    base_minutes: Annotated[int, Field(ge=1, le=60)] = 1
    """Length of the base bars: the cadence of decisions."""
    ltf_minutes: Annotated[int, Field(ge=1, le=60)] = 5
    htf_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    htf2_minutes: Annotated[int, Field(ge=60, le=10080)] = 240
    views: Views = Views()
    prime: bool = True
    """Feed HTF and HTF2 from stored coarser bars that closed before the base begins."""
    worst_grade: Literal["A", "B", "C", "D"] = "C"
    """Refuse to run on data graded worse than this."""

    @model_validator(mode="after")
    def _nested(self) -> Self:
        lengths = (self.base_minutes, self.ltf_minutes, self.htf_minutes, self.htf2_minutes)
        if any(longer % shorter for shorter, longer in pairwise(lengths)):
            raise ValueError("base, ltf, htf and htf2 minutes must each be a multiple of the one before")
        return self


# ---------------------------------------------------------------- signals


class Trend(Group):
    """SIG-TREND."""

    ltf_adx_min: NotNegative = 20.0
    htf_adx_min: NotNegative = 18.0
    impulse_body: Positive = 2.2
    bounce: Positive = 0.005
    bounce_reading: Literal["against", "late"] = "against"
    base_score: Fraction = 0.50
    gap_factor: NotNegative = 35.0
    gap_max: Fraction = 0.35
    adx_max: Fraction = 0.15


class MeanReversion(Group):
    """SIG-MEANREV."""

    z_entry: Positive = 1.2
    htf_adx_max: NotNegative = 18.0
    impulse_body: Positive = 2.2
    bounce: Positive = 0.005
    bounce_reading: Literal["against", "late"] = "late"
    full_score_z: Positive = 2.5
    full_score_margin: NotNegative = 0.8


class Carry(Group):
    """SIG-CARRY."""

    multiple: Positive = 1.8
    base_mode: Literal["median", "fixed"] = "median"
    base_fixed: Positive = 0.001
    base_low: Positive = 0.00005
    base_high: Positive = 0.0001
    base_settlements: Annotated[int, Field(ge=1, le=128)] = 90
    base_min_settlements: Annotated[int, Field(ge=1, le=128)] = 30
    stale_intervals: Positive = 1.5
    atr_max: Positive = 0.02
    vol_penalty: Fraction = 0.50
    hint: Fraction = 0.10
    hint_z: Positive = 1.0
    floor: Fraction = 0.05


class SmartMoney(Group):
    """SIG-SMC: lengths in finished LTF bars, weights of the score in whole hundredths."""

    swing_bars: Annotated[int, Field(ge=1, le=8)] = 3
    choch_age: Annotated[int, Field(ge=1)] = 24
    sweep_age: Annotated[int, Field(ge=1)] = 36
    sweep_atr: NotNegative = 0.05
    fvg_atr: NotNegative = 0.10
    fvg_age: Annotated[int, Field(ge=1)] = 48
    order_block_lookback: Annotated[int, Field(ge=1, le=16)] = 10
    order_block_atr: NotNegative = 1.5
    order_block_age: Annotated[int, Field(ge=1)] = 96
    zone_atr: NotNegative = 1.0
    adx_min: NotNegative = 18.0
    adx_strong: NotNegative = 25.0
    impulse_body: Positive = 2.2
    funding_max: NotNegative = 0.0005
    funding_half: NotNegative = 0.0001
    structure_fresh: Annotated[int, Field(ge=1)] = 12
    sweep_fresh: Annotated[int, Field(ge=1)] = 18
    choch_fresh: Annotated[int, Field(ge=1)] = 6
    ema_confluence: Literal["score", "gate"] = "score"
    short_penalty: Annotated[int, Field(ge=0, le=100)] = 0
    weight_htf_trend: Annotated[int, Field(ge=0, le=100)] = 20
    weight_structure: Annotated[int, Field(ge=0, le=100)] = 20
    weight_sweep: Annotated[int, Field(ge=0, le=100)] = 20
    weight_candle: Annotated[int, Field(ge=0, le=100)] = 5
    weight_fvg: Annotated[int, Field(ge=0, le=100)] = 10
    weight_order_block: Annotated[int, Field(ge=0, le=100)] = 10
    weight_funding: Annotated[int, Field(ge=0, le=100)] = 10
    weight_choch: Annotated[int, Field(ge=0, le=100)] = 5
    weight_adx: Annotated[int, Field(ge=0, le=100)] = 5
    ema_bonus: Annotated[int, Field(ge=0, le=100)] = 6
    ema_malus: Annotated[int, Field(ge=0, le=100)] = 10


class WarmUp(Group):
    """Finished bars that a timeframe needs before a module may read it (coarser priming counts)."""

    ltf: Annotated[int, Field(ge=60)] = 120
    htf: Annotated[int, Field(ge=51)] = 100
    htf2: Annotated[int, Field(ge=51)] = 60


class Signals(Group):
    """The four modules."""

    warm_up: WarmUp = WarmUp()
    trend: Trend = Trend()
    meanrev: MeanReversion = MeanReversion()
    carry: Carry = Carry()
    smc: SmartMoney = SmartMoney()


# ---------------------------------------------------------------- allocation


class Weights(Group):
    """Weight of each module in the net forecast."""

    trend: Fraction = 0.30
    meanrev: Fraction = 0.20
    carry: Fraction = 0.15
    smc: Fraction = 0.35


class DynamicWeights(Group):
    """ALLOC-BAYES."""

    enabled: bool = True
    window_days: Annotated[int, Field(ge=1, le=60)] = 7
    prior_wins: NotNegative = 2.0
    prior_losses: NotNegative = 2.0
    min_trades: Annotated[int, Field(ge=1)] = 10
    low: Positive = 0.5
    high: Positive = 2.0


class Session(Group):
    """One UTC session: hours [start, end), the score floor and the risk multiplier."""

    start: Hour
    end: Hour
    score_floor: Fraction
    risk: Fraction


class Sessions(Group):
    """ALLOC-SESSION. Overlap wins where two apply."""

    overlap: Session = Session(start=12, end=14, score_floor=0.55, risk=1.00)
    london: Session = Session(start=6, end=14, score_floor=0.56, risk=1.00)
    ny: Session = Session(start=14, end=20, score_floor=0.58, risk=0.90)
    dead: Session = Session(start=20, end=23, score_floor=0.80, risk=0.00)
    asia: Session = Session(start=23, end=6, score_floor=0.62, risk=0.70)
    floor_applies_to: tuple[ModuleName, ...] = ("smc",)
    """Modules whose score must reach the session's floor. For SMC it is gate 14."""


class Budget(Group):
    """ALLOC-BUDGET: the share of the base risk that a forecast of some strength may use."""

    at_threshold: Fraction = 1.0 / 6.0
    full_after: Positive = 0.40
    """The whole base risk is used from threshold + this."""


class Allocation(Group):
    """How forecasts become one wish for an instrument."""

    weights: Weights = Weights()
    threshold: Fraction = 0.20
    min_modules: Annotated[int, Field(ge=1, le=8)] = 2
    count: Literal["agreeing", "any"] = "agreeing"
    long_multiplier: Fraction = 0.85
    confluence_multiplier: Positive = 1.25
    alone_multiplier: Positive = 0.85
    ttl_seconds: Annotated[int, Field(ge=0, le=86_400)] = 130
    gradual_modules: Annotated[int, Field(ge=0, le=8)] = 0
    """Use only the first k modules by weight; 0 uses all."""
    dynamic: DynamicWeights = DynamicWeights()
    sessions: Sessions = Sessions()
    budget: Budget = Budget()


# ---------------------------------------------------------------- risk


class Volatility(Group):
    """RISK-VOL: the size ramp between a calm and a wild market, by ATR%."""

    calm: Positive = 0.008
    wild: Positive = 0.015
    wild_scale: Fraction = 0.6

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.calm < self.wild:
            raise ValueError("calm must be below wild")
        return self


class Stops(Group):
    """RISK-STOPS: stop = max(base, atr x ATR%, floor); target = max(base, atr x ATR%) x multiplier."""

    stop_base: Positive = 0.007
    stop_atr: NotNegative = 1.5
    stop_floor: Positive = 0.012
    target_base: Positive = 0.008
    target_atr: NotNegative = 1.8
    target_multiplier: Positive = 1.0


class Kelly(Group):
    """ALLOC-KELLY."""

    enabled: bool = False
    fraction: Fraction = 0.25
    cap: Fraction = 0.01
    trades: Annotated[int, Field(ge=10, le=100)] = 100
    min_trades: Annotated[int, Field(ge=2)] = 50


class Portfolio(Group):
    """RISK-PORTFOLIO: exposures are multiples of equity."""

    max_instrument_exposure: Positive = 1.0
    max_correlated_exposure: Positive = 2.0
    correlation_hours: Annotated[int, Field(ge=48, le=720)] = 720
    correlation_shrink: Fraction = 0.20
    min_hours: Annotated[int, Field(ge=24)] = 48
    max_value_at_risk: Fraction = 0.06
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.99


class Throttle(Group):
    """Filled entries per instrument and UTC day, by HTF ADX."""

    low_adx: NotNegative = 20.0
    high_adx: NotNegative = 25.0
    low: Annotated[int, Field(ge=0, le=1440)] = 3
    middle: Annotated[int, Field(ge=0, le=1440)] = 6
    high: Annotated[int, Field(ge=0, le=1440)] = 10


class Macro(Group):
    """No entries around important calendar events."""

    calendar: str = ""
    """CSV ``ts_ms,name,impact,currency``; empty: off."""
    minutes: Annotated[int, Field(ge=0, le=1440)] = 30
    past_calendar: Literal["warn", "refuse"] = "warn"


class Gates(Group):
    """RISK-GATES."""

    htf_adx_min: NotNegative = 17.0
    htf_adx_spares_meanrev: bool = True
    throttle: Throttle = Throttle()
    max_leverage: Positive = 3.0
    min_equity: NotNegative = 5.0
    max_spread: Positive = 0.0005
    unknown_spread: Literal["allow", "refuse"] = "allow"
    max_data_age_seconds: Positive = 90.0
    macro: Macro = Macro()


class Steps(Group):
    """Three stages of one breaker, as drawdown fractions."""

    half_size: Fraction
    no_entries: Fraction
    flatten: Fraction

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.half_size <= self.no_entries <= self.flatten:
            raise ValueError("half_size <= no_entries <= flatten is required")
        return self


class LossStreak(Group):
    """The breaker of consecutive losing trades."""

    half_size: Annotated[int, Field(ge=1)] = 5
    no_entries: Annotated[int, Field(ge=1)] = 8
    pause_hours: Positive = 12.0
    ignore_r: NotNegative = 0.1


class Breakers(Group):
    """RISK-BREAKERS."""

    enabled: bool = True
    day: Steps = Steps(half_size=0.02, no_entries=0.03, flatten=0.05)
    week: Steps = Steps(half_size=0.04, no_entries=0.06, flatten=0.10)
    peak: Steps = Steps(half_size=0.08, no_entries=0.12, flatten=0.20)
    peak_release: Fraction = 0.06
    losses: LossStreak = LossStreak()


class Risk(Group):
    """What may be lost."""

    per_trade: Annotated[float, Field(gt=0.0, le=0.05)] = 0.003
    tiers: dict[str, Fraction] = Field(default_factory=lambda: {"half": 0.0015, "reduced": 0.002})
    """Named caps on the risk of a trade."""
    volatility: Volatility = Volatility()
    stops: Stops = Stops()
    kelly: Kelly = Kelly()
    portfolio: Portfolio = Portfolio()
    gates: Gates = Gates()
    breakers: Breakers = Breakers()


# ---------------------------------------------------------------- position


class Position(Group):
    """RISK-TRAIL, RISK-FLIP, RISK-STALE."""

    breakeven_r: Positive = 1.0
    partial_r: Positive = 1.0
    partial_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    target_after_partial: Literal["remove", "keep"] = "remove"
    trail_from_r: Positive = 2.5
    trail_lock: Fraction = 0.5
    flip: bool = True
    flip_min_minutes: NotNegative = 5.0
    stale_hours: Positive = 12.0
    stale_band: NotNegative = 0.0025
    exit_when_flat: bool = False
    """Close when no module has a view any more (for strategies whose forecast is also their exit)."""


# ---------------------------------------------------------------- account, costs, instruments


class Transfer(Group):
    """A deposit (positive) or withdrawal in a backtest, at the first bar that opens at or after ``at``."""

    at: str
    """ISO 8601; without an offset it is UTC."""
    amount: Annotated[float, Field(allow_inf_nan=False)]

    @field_validator("at")
    @classmethod
    def _is_a_time(cls, text: str) -> str:
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a time; write it as 2025-06-01T00:00Z") from None
        return text

    @property
    def at_ms(self) -> int:
        """The same moment in ms UTC."""
        when = datetime.fromisoformat(self.at)
        return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


class Account(Group):
    """The one account that all instruments share."""

    initial_equity: Positive = 10_000.0
    leverage: Annotated[float, Field(ge=1.0, le=125.0)] = 5.0
    transfers: tuple[Transfer, ...] = ()


class Costs(Group):
    """What trading costs, as fractions of notional."""

    taker_fee: Annotated[float, Field(ge=-0.01, le=0.05)] = 0.0005
    maker_fee: Annotated[float, Field(ge=-0.01, le=0.05)] = 0.0002
    slippage: Annotated[float, Field(ge=0.0, le=0.05)] = 0.0001
    liquidation_fee: Annotated[float, Field(ge=0.0, le=0.1)] = 0.0125
    funding: bool = True


class Fills(Group):
    """Assumptions of the fill rule."""

    path: Literal["nearest_first", "best", "worst"] = "nearest_first"
    through_ticks: Annotated[int, Field(ge=0, le=1000)] = 1
    """A resting limit fills when the price trades through it by this many ticks."""


class Exchange(Group):
    """Which venue is traded, how, and for whom. Keys never stand here: see docs/modes.md."""

    mode: Literal["paper", "testnet", "live"] = "paper"
    """``live`` needs a second switch outside of this file."""
    venue: Literal["binance_usdm", "bybit_linear", "kucoin_futures", "bingx_swap"] = "binance_usdm"
    network: Literal["", "demo", "testnet"] = ""
    """Which test site, where a venue has two; empty takes the venue's first."""
    account: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,32}$")] = ""
    """Our name of the account: it finds the keys, and the second switch must say it."""
    account_id: str = ""
    """The venue's own name of the account, which it must tell. Live trading needs it."""
    unknown_rights: bool = False
    """Trade live with a key whose rights the venue does not tell."""
    leverage: Annotated[int, Field(ge=1, le=125)] = 5
    margin: Literal["cross", "isolated"] = "cross"
    timeout_seconds: Annotated[float, Field(ge=1.0, le=30.0)] = 5.0
    """How long one request may take."""
    reserve: Annotated[float, Field(ge=0.2, le=0.8)] = 0.2
    """Share of the venue's request budget that only protection and cancels may use."""
    proxy: str = ""
    """Address of a proxy for every connection; the environment's is not heeded."""


class Live(Group):
    """Safety of paper, testnet and live trading: docs/live.md says what each of these does."""

    trading_enabled: bool = True
    """Off: observe, decide, journal, protect and reduce, but never enter."""
    unknown_positions: Literal["adopt", "flatten", "halt"] = "adopt"
    """What to do with a position that no order of ours explains: give it a stop and manage it, close it, or leave it
    alone and enter nothing until a person resumes."""
    unknown_orders: Literal["leave", "cancel"] = "leave"
    """What to do with open orders that are not ours."""
    naked_seconds: Annotated[float, Field(ge=3.0, le=60.0)] = 15.0
    """A position that had no stop for so long, while the venue could be reached, is closed at market."""
    triggered_seconds: Annotated[float, Field(ge=1.0, le=60.0)] = 5.0
    """A stop that triggered and did not fill within this is followed by a market order."""
    entry_seconds: Annotated[float, Field(ge=1.0, le=60.0)] = 20.0
    """An entry that could not be sent within this after its bar is not sent any more."""
    max_price_age_seconds: Annotated[float, Field(ge=1.0, le=120.0)] = 10.0
    """No entry on a price that is older."""
    max_clock_error_ms: Annotated[float, Field(ge=50.0, le=2_000.0)] = 500.0
    """No entry while our idea of the venue's clock may be further off."""
    lease_seconds: Annotated[float, Field(ge=20.0, le=600.0)] = 60.0
    """How long a process may write without renewing its right; with less than half of it left, it sends nothing."""


class InstrumentSettings(Group):
    """What differs for one instrument. Unset contract facts come from the built-in catalogue or the lake."""

    tick: str | None = None
    lot: str | None = None
    multiplier: str | None = None
    min_notional: str | None = None
    min_lots: int | None = None
    risk_cap: Fraction | None = None
    tier: str | None = None
    modules: tuple[ModuleName, ...] | None = None
    directions: Literal["both", "long_only", "short_only"] = "both"


def _default_instruments() -> dict[str, InstrumentSettings]:
    return {
        "BTCUSDT": InstrumentSettings(tier="half"),
        "ETHUSDT": InstrumentSettings(),
        "SOLUSDT": InstrumentSettings(tier="reduced"),
        "XRPUSDT": InstrumentSettings(),
        "DOGEUSDT": InstrumentSettings(),
        "ADAUSDT": InstrumentSettings(tier="reduced"),
        "LINKUSDT": InstrumentSettings(tier="reduced"),
    }


class Settings(Group):
    """The whole configuration."""

    data: Data = Data()
    signals: Signals = Signals()
    allocation: Allocation = Allocation()
    risk: Risk = Risk()
    position: Position = Position()
    account: Account = Account()
    costs: Costs = Costs()
    fills: Fills = Fills()
    exchange: Exchange = Exchange()
    live: Live = Live()
    instruments: dict[str, InstrumentSettings] = Field(default_factory=_default_instruments)
    seed: Annotated[int, Field(ge=0)] = 1

    @model_validator(mode="after")
    def _tiers_exist(self) -> Self:
        for symbol, instrument in self.instruments.items():
            if instrument.tier is not None and instrument.tier not in self.risk.tiers:
                raise ValueError(f"instruments.{symbol}.tier {instrument.tier!r} is not one of risk.tiers")
        return self

    def resolved(self) -> dict[str, Any]:
        """Plain values, ready for TOML or JSON."""
        return self.model_dump(mode="json", exclude_none=True)
