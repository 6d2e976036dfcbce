"""Every gate of every module refusing, every term of every score, for longs and shorts: on desks set by hand.

Prices are 128 + d x, so that a long scene and its short mirror are exact.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mastertrading.compiled import records
from mastertrading.domain.reasons import CarryGate, MeanReversionGate, SmcGate, TrendGate
from mastertrading.indicators.structure import structure_init
from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.carry import carry
from mastertrading.signals.desk import DESK
from mastertrading.signals.mean_reversion import mean_reversion
from mastertrading.signals.rows import MINUTE, VERDICT
from mastertrading.signals.smart_money import smart_money
from mastertrading.signals.trend import trend

BARS = 40
LAST = BARS - 1
SIDES = pytest.mark.parametrize("d", [1, -1])


class Scene:
    """A desk on which every module says yes, in direction d."""

    def __init__(self, d: int, **signals) -> None:
        self.d = d
        self.rules = signal_rules(Settings.model_validate({"signals": signals}))[0]
        self.desk = records(DESK, 1)[0]
        self.minute = records(MINUTE, 1)[0]
        self.minute.session_risk, self.minute.session_floor = 1.0, 58
        self.view = self.desk.seen
        self._bars()
        self._view()
        self._structure()

    def px(self, x: float) -> float:
        return 128.0 + self.d * x

    @property
    def side(self):
        return self.desk.structure.up if self.d > 0 else self.desk.structure.down

    def bar(self, index: int, open_: float, high: float, low: float, close: float) -> None:
        """Set a bar seen from the side: for a short, high and low change places."""
        history = self.desk.history
        history.open[index], history.close[index] = self.px(open_), self.px(close)
        history.high[index], history.low[index] = sorted((self.px(high), self.px(low)))[::-1]

    def _bars(self) -> None:
        self.desk.history.bars = BARS
        for k in range(BARS):
            self.bar(k, 2.0, 2.25, 1.875, 2.125)

    def _view(self) -> None:
        view = self.view
        view.valid, view.newest = 1, LAST
        for reading in (view.ltf, view.htf, view.htf2):
            reading.ready, reading.adx, reading.atr = 1, 22.0, 0.5
            reading.close, reading.ema20, reading.ema50 = self.px(2.125), self.px(1.5), self.px(1.0)
        view.z, view.z_deviation, view.atr_frac = 0.0, 1.0, 0.01
        view.funding, view.funding_known, view.funding_usual = -self.d * 0.00018, 1, 0.0001

    def _structure(self) -> None:
        structure = self.desk.structure
        structure_init(structure)
        structure.bars, structure.state = 1000, self.d
        structure.choch_side, structure.choch_at, structure.choch_sweep_at = self.d, 990, 985
        self.side.break_at, self.side.sweep_at = 990, 985

    def ask(self, module):
        row = records(VERDICT, 1)[0]
        if module is smart_money:
            module(row, self.desk, self.minute, self.rules.smc)
        else:
            name = {trend: "trend", mean_reversion: "meanrev", carry: "carry"}[module]
            module(row, self.desk, self.rules[name])
        return row

    def stretched(self, z: float = 1.5):
        """The hour without trend, the price stretched against d."""
        self.view.z, self.view.htf.adx = -self.d * z, 18.0
        return self


def bits(row, gates) -> SimpleNamespace:
    """Names of the gates that were asked, that passed, and of the first refusal."""
    named = [gate.name for gate in gates]
    read = lambda mask: {n for k, n in enumerate(named) if int(mask) >> k & 1}  # noqa: E731
    refusal = gates(int(row.refusal)).name if row.refusal else ""
    return SimpleNamespace(asked=read(row.evaluated), passed=read(row.passed), refusal=refusal)


def set_fields(record, **fields) -> None:
    for name, value in fields.items():
        record[name] = value


def assert_stops_at(row, gates, name) -> None:
    """Gates are asked in order up to the one that refuses."""
    seen, order = bits(row, gates), [gate.name for gate in gates]
    until = order.index(name)
    assert seen.refusal == name
    assert seen.asked == set(order[: until + 1])
    assert seen.passed == set(order[:until])
    assert row.forecast == 0


# ------------------------------------------------------------------ trend

TREND_REFUSALS = {
    "VALID_BAR": lambda s: set_fields(s.view, valid=0),
    "WARM_UP": lambda s: set_fields(s.view.htf, ready=0),
    "DIRECTION": lambda s: set_fields(s.view.ltf, close=s.px(1.5)),
    "LTF_ADX": lambda s: set_fields(s.view.ltf, adx=19.99),
    "HTF_ADX": lambda s: set_fields(s.view.htf, adx=17.99),
    "IMPULSE": lambda s: s.bar(LAST, 2.4, 2.5, 2.0, 2.124),
    "BOUNCE": lambda s: s.bar(LAST - 11, 2.0, 2.9, 1.9, 2.125),
}


@SIDES
def test_trend_scores_the_gap_and_the_strength(d):
    scene = Scene(d)
    row = scene.ask(trend)
    gap = 0.5 / scene.px(2.125)
    assert row.forecast == pytest.approx(d * (0.5 + gap * 35 + 0.02), abs=1e-15)
    assert bits(row, TrendGate).passed == {gate.name for gate in TrendGate}


@SIDES
def test_trend_score_is_capped_term_by_term(d):
    scene = Scene(d)
    scene.view.htf.ema50, scene.view.ltf.adx = scene.px(-3.0), 80.0
    assert scene.ask(trend).forecast == d * 1.0


@SIDES
def test_trend_thresholds_pass_at_equality(d):
    scene = Scene(d)
    scene.view.ltf.adx, scene.view.htf.adx = 20.0, 18.0
    assert np.sign(scene.ask(trend).forecast) == d


@SIDES
@pytest.mark.parametrize("gate", TREND_REFUSALS)
def test_trend_stops_at_the_gate_that_refuses(d, gate):
    scene = Scene(d)
    TREND_REFUSALS[gate](scene)
    assert_stops_at(scene.ask(trend), TrendGate, gate)


@SIDES
@pytest.mark.parametrize("body", [0.276, -0.276])
def test_an_impulse_of_either_sign_refuses_trend(d, body):
    scene = Scene(d)
    scene.bar(LAST, 2.125 - body, 2.5, 1.8, 2.125)
    assert bits(scene.ask(trend), TrendGate).refusal == "IMPULSE"
    scene.bar(LAST, 2.125 - 0.274 * np.sign(body), 2.5, 1.8, 2.125)
    assert bits(scene.ask(trend), TrendGate).refusal == ""


@SIDES
def test_a_bounce_thirteen_bars_ago_is_forgotten(d):
    scene = Scene(d)
    scene.bar(LAST - 12, 2.0, 2.9, 1.9, 2.125)
    assert bits(scene.ask(trend), TrendGate).refusal == ""


@SIDES
def test_trend_with_the_late_reading_looks_at_the_other_extreme(d):
    scene = Scene(d, trend={"bounce_reading": "late"})
    scene.bar(LAST - 3, 2.0, 2.9, 1.9, 2.125)
    assert bits(scene.ask(trend), TrendGate).refusal == ""
    scene.bar(LAST - 3, 2.0, 2.25, 1.4, 2.125)
    assert bits(scene.ask(trend), TrendGate).refusal == "BOUNCE"


# ------------------------------------------------------------------ mean reversion

MEANREV_REFUSALS = {
    "VALID_BAR": lambda s: set_fields(s.view, valid=0),
    "WARM_UP": lambda s: set_fields(s.view, z=np.nan),
    "STRETCH": lambda s: set_fields(s.view, z=-s.d * 1.19),
    "HTF_ADX": lambda s: set_fields(s.view.htf, adx=18.01),
    "IMPULSE": lambda s: s.bar(LAST, 2.425, 2.5, 2.0, 2.125),
    "BOUNCE": lambda s: s.bar(LAST - 11, 2.0, 2.25, 1.4, 2.125),
}


@SIDES
def test_mean_reversion_goes_against_the_stretch_by_its_size(d):
    row = Scene(d).stretched(1.5).ask(mean_reversion)
    assert row.forecast == d * (1.5 / 2.5)
    assert Scene(d).stretched(1.2).ask(mean_reversion).forecast == d * (1.2 / 2.5)
    assert Scene(d).stretched(9.0).ask(mean_reversion).forecast == d


@SIDES
def test_mean_reversion_with_a_far_entry_needs_more_for_a_full_score(d):
    row = Scene(d, meanrev={"z_entry": 2.2}).stretched(2.25).ask(mean_reversion)
    assert row.forecast == d * (2.25 / 3.0)


@SIDES
@pytest.mark.parametrize("gate", MEANREV_REFUSALS)
def test_mean_reversion_stops_at_the_gate_that_refuses(d, gate):
    scene = Scene(d).stretched()
    MEANREV_REFUSALS[gate](scene)
    assert_stops_at(scene.ask(mean_reversion), MeanReversionGate, gate)


@SIDES
def test_an_impulse_toward_the_trade_does_not_refuse_mean_reversion(d):
    scene = Scene(d).stretched()
    scene.bar(LAST, 1.825, 2.25, 1.8, 2.125)
    assert scene.ask(mean_reversion).refusal == 0


@SIDES
def test_a_fall_from_the_high_does_not_refuse_mean_reversion(d):
    scene = Scene(d).stretched()
    scene.bar(LAST - 3, 2.0, 4.0, 1.9, 2.125)
    assert scene.ask(mean_reversion).refusal == 0


def test_a_window_without_deviation_gives_no_mean_reversion():
    scene = Scene(1).stretched()
    scene.view.z, scene.view.z_deviation = 0.0, 0.0
    assert bits(scene.ask(mean_reversion), MeanReversionGate).refusal == "STRETCH"


# ------------------------------------------------------------------ carry

CARRY_REFUSALS = {
    "VALID_BAR": lambda s: set_fields(s.view, valid=0),
    "WARM_UP": lambda s: set_fields(s.view.ltf, ready=0),
    "FUNDING_KNOWN": lambda s: set_fields(s.view, funding_known=0),
    "EXTREME": lambda s: set_fields(s.view, funding=-s.d * 0.000179),
    "VOLATILITY": lambda s: set_fields(s.view, atr_frac=0.02),
    "STD_ZERO": lambda s: set_fields(s.view, z_deviation=0.0),
}


@SIDES
@pytest.mark.parametrize(("z", "hint"), [(0.99, 0.0), (-0.99, 0.0), (-1.0, 0.1), (1.0, -0.1)])
def test_carry_trades_against_the_funding_with_penalty_and_hint(d, z, hint):
    scene = Scene(d)
    scene.view.z = d * z
    assert scene.ask(carry).forecast == pytest.approx(d * (1.0 - 0.25 + hint), abs=1e-15)


@SIDES
def test_carry_score_is_between_the_floor_and_one(d):
    scene = Scene(d, carry={"vol_penalty": 1.0, "hint": 1.0})
    scene.view.z = d * 2.0
    assert scene.ask(carry).forecast == d * 0.05
    scene.view.funding = -d * 0.01
    assert scene.ask(carry).forecast == d


@SIDES
@pytest.mark.parametrize("gate", CARRY_REFUSALS)
def test_carry_stops_at_the_gate_that_refuses(d, gate):
    scene = Scene(d)
    CARRY_REFUSALS[gate](scene)
    assert_stops_at(scene.ask(carry), CarryGate, gate)


# ------------------------------------------------------------------ smart money


def spend_structure(scene, **fields) -> None:
    set_fields(scene.desk.structure, **fields)


SMC_REFUSALS = {
    "DATA": lambda s: set_fields(s.view.htf2, ready=0),
    "SESSION": lambda s: set_fields(s.minute, session_risk=0.0),
    "HTF_TREND": lambda s: set_fields(s.view.htf, ema20=s.px(0.9)),
    "HTF2": lambda s: set_fields(s.view.htf2, close=s.px(0.0), ema20=s.px(0.5)),
    "CHOCH": lambda s: spend_structure(s, choch_at=999 - 24),
    "SWEEP": lambda s: (set_fields(s.side, sweep_at=999 - 36), spend_structure(s, choch_sweep_at=999 - 36)),
    "CONFLUENCE": lambda s: spend_structure(s, choch_sweep_at=999 - 36),
    "EMA50": lambda s: set_fields(s.view.ltf, ema50=s.px(2.125)),
    "ADX": lambda s: set_fields(s.view.ltf, adx=17.99),
    "CANDLE": lambda s: s.bar(LAST, 2.0, 2.51, 1.75, 2.125),
    "IMPULSE": lambda s: s.bar(LAST, 1.825, 2.125, 1.75, 2.125),
    "FUNDING": lambda s: set_fields(s.view, funding=s.d * 0.00051),
    "SCORE": lambda s: set_fields(s.minute, session_floor=77),
}
ALL = {gate.name for gate in SmcGate}


@SIDES
@pytest.mark.parametrize("gate", SMC_REFUSALS)
def test_smart_money_names_the_gate_that_refuses(d, gate):
    scene = Scene(d)
    scene.minute.session_floor = 0
    SMC_REFUSALS[gate](scene)
    row = scene.ask(smart_money)
    seen = bits(row, SmcGate)
    assert seen.refusal == gate
    assert (row.forecast, row.confluence) == (0, 0)
    asked = {"DATA": {"DATA"}, "HTF_TREND": {"DATA", "SESSION", "HTF_TREND"}}.get(gate, ALL)
    also = {"CONFLUENCE"} if gate in ("CHOCH", "SWEEP") else set()
    assert seen.asked == asked
    assert asked - seen.passed - also == {gate}


@SIDES
def test_an_invalid_bar_fails_the_data_gate(d):
    scene = Scene(d)
    scene.view.valid = 0
    assert bits(scene.ask(smart_money), SmcGate).asked == {"DATA"}


@SIDES
def test_a_closed_session_still_asks_everything_after_it(d):
    scene = Scene(d)
    scene.minute.session_risk, scene.view.ltf.adx = 0.0, 10.0
    seen = bits(scene.ask(smart_money), SmcGate)
    assert seen.refusal == "SESSION"
    assert seen.asked == ALL
    assert ALL - seen.passed == {"SESSION", "ADX"}


@SIDES
def test_no_funding_passes_the_funding_gate_as_unknown(d):
    scene = Scene(d)
    scene.view.funding_known, scene.view.funding = 0, d * 0.01
    row = scene.ask(smart_money)
    assert row.unknown == 1 << (SmcGate.FUNDING - 1)
    assert row.forecast == d * 0.66


@SIDES
def test_the_ema_gate_refuses_only_in_gate_mode(d):
    for mode, refusal in (("score", "SCORE"), ("gate", "EMA_CONFLUENCE")):
        scene = Scene(d, smc={"ema_confluence": mode})
        scene.minute.session_floor = 70
        scene.view.ltf.ema20, scene.view.htf.ema20 = scene.px(0.5), scene.px(2.5)
        assert bits(scene.ask(smart_money), SmcGate).refusal == refusal


@SIDES
def test_a_choch_against_the_trend_is_no_confluence(d):
    scene = Scene(d)
    scene.desk.structure.choch_side = -d
    seen = bits(scene.ask(smart_money), SmcGate)
    assert seen.refusal == "CONFLUENCE"
    assert {"CHOCH", "SWEEP"} <= seen.passed


def test_the_score_floor_is_not_asked_where_sessions_do_not_apply_it_to_smc():
    scene = Scene(1)
    scene.minute.session_floor = 100
    assert scene.ask(smart_money).forecast == 0
    scene.rules.smc.floor_gate = 0
    assert scene.ask(smart_money).forecast == 0.76


def make_gap(scene, bottom=1.0, top=1.75):
    """A live gap, seen from the side like everything in a half."""
    side = scene.side
    side.gap_count = 1
    side.gap_bottom[0], side.gap_top[0] = (scene.d * scene.px(x) for x in (bottom, top))


def make_block(scene, bottom=1.0, top=1.75):
    side = scene.side
    side.block_live = 1
    side.block_bottom, side.block_top = (scene.d * scene.px(x) for x in (bottom, top))


SMC_SCORES = {
    "the plain scene": (lambda s: None, 76),
    "HTF2 without direction": (lambda s: set_fields(s.view.htf2, close=s.px(1.0)), 66),
    "break of age 11": (lambda s: set_fields(s.side, break_at=988), 76),
    "break of age 12, state with us": (lambda s: set_fields(s.side, break_at=987), 66),
    "break of age 12, state against us": (
        lambda s: (set_fields(s.side, break_at=987), spend_structure(s, state=-s.d)),
        56,
    ),
    "sweep of age 17": (lambda s: spend_structure(s, choch_sweep_at=982), 76),
    "sweep of age 18": (lambda s: spend_structure(s, choch_sweep_at=981), 66),
    "CHoCH of age 5": (lambda s: spend_structure(s, choch_at=994), 81),
    "CHoCH of age 6": (lambda s: spend_structure(s, choch_at=993), 76),
    "strong ADX": (lambda s: set_fields(s.view.ltf, adx=25.0), 81),
    "funding costs nothing": (lambda s: set_fields(s.view, funding=0.0), 76),
    "funding costs little": (lambda s: set_fields(s.view, funding=s.d * 0.0001), 71),
    "funding costs more": (lambda s: set_fields(s.view, funding=s.d * 0.00011), 66),
    "one EMA check against": (lambda s: set_fields(s.view.ltf, ema20=s.px(0.5)), 70),
    "both EMA checks against": (
        lambda s: (set_fields(s.view.ltf, ema20=s.px(0.5)), set_fields(s.view.htf, ema20=s.px(2.5))),
        60,
    ),
    "engulfing": (lambda s: s.bar(LAST - 1, 2.1, 2.2, 1.9, 2.0), 81),
    "engulfing no further than its open": (lambda s: s.bar(LAST - 1, 2.125, 2.2, 1.9, 2.0), 76),
    "engulfing a larger body": (lambda s: s.bar(LAST - 1, 2.1, 2.2, 1.9, 1.9), 76),
    "rejection wick of two bodies": (lambda s: s.bar(LAST, 2.0, 2.125, 1.75, 2.125), 81),
    "wick of less than two bodies": (lambda s: s.bar(LAST, 2.0, 2.125, 1.751, 2.125), 76),
    "gap in reach": (make_gap, 86),
    "gap whose top is one ATR away": (lambda s: make_gap(s, 1.0, 1.625), 86),
    "gap further away": (lambda s: make_gap(s, 1.0, 1.62), 76),
    "gap the price fell through": (lambda s: make_gap(s, 2.13, 2.5), 76),
    "order block in reach": (make_block, 86),
    "order block out of reach": (lambda s: make_block(s, 1.0, 1.62), 76),
    "gap and order block": (lambda s: (make_gap(s), make_block(s)), 96),
}


@SIDES
@pytest.mark.parametrize("case", SMC_SCORES)
def test_smart_money_scores_in_whole_hundredths(d, case):
    change, expected = SMC_SCORES[case]
    scene = Scene(d)
    scene.minute.session_floor = min(expected, 58)
    change(scene)
    row = scene.ask(smart_money)
    assert row.forecast == d * (expected / 100.0)
    zoned = {"gap in reach", "gap whose top is one ATR away", "order block in reach", "gap and order block"}
    assert row.confluence == (1 if case in zoned else -1)


def test_a_score_on_the_floor_passes():
    scene = Scene(1)
    scene.minute.session_floor = 76
    assert scene.ask(smart_money).refusal == 0


def test_the_short_penalty_is_for_shorts_only():
    assert [Scene(d, smc={"short_penalty": 9}).ask(smart_money).forecast for d in (1, -1)] == [0.76, -0.67]


def test_half_of_an_odd_weight_is_rounded_down():
    scene = Scene(1, smc={"weight_sweep": 15})
    scene.desk.structure.choch_sweep_at = 981
    assert scene.ask(smart_money).forecast == 0.63
