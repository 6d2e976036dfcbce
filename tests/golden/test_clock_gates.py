"""Gates that look at the clock, at their edges: sessions, the daily throttle, macro events; and warm-up."""

from __future__ import annotations

import math

import pytest

from hand_made import MONDAY_08, PX, QUIET, level, one, settings
from mastertrading.rules.risk.gates import daily_limit, spread_is_narrow, trend_is_strong
from mastertrading.settings.records import SESSION_NAMES, rules_record

MINUTE, HOUR = 60_000, 3_600_000
MIDNIGHT = MONDAY_08 - 8 * HOUR
LOSING = (PX, PX, 9_800, PX)

# ---------------------------------------------------------------- sessions


@pytest.mark.parametrize(
    ("clock", "session", "lots"),
    [
        ("05:59", "asia", 17),  # 0.70 x 30.3 over 1.2 = 17.7
        ("06:00", "london", 25),
        ("11:59", "london", 25),
        ("12:00", "overlap", 25),
        ("13:59", "overlap", 25),
        ("14:00", "ny", 22),  # 0.90 x 30.3 over 1.2 = 22.7
        ("19:59", "ny", 22),
        ("20:00", "dead", 0),
        ("22:59", "dead", 0),
        ("23:00", "asia", 17),
    ],
)
def test_session_of_the_bars_close_scales_or_refuses_the_entry(clock: str, session: str, lots: int) -> None:
    hour, minute = map(int, clock.split(":"))
    start = MIDNIGHT + hour * HOUR + (minute - 1) * MINUTE
    played = one(level(PX, 3), start_ms=start)
    if lots == 0:
        assert played.fills() == []
        assert played.refused_by(0) == {"session"}
    else:
        assert played.fills()[0] == (1, lots, 10_001, "entry")
        assert SESSION_NAMES[int(played.trade.session)] == session


def test_dead_session_refuses_entries_only() -> None:
    # Decided at 19:59, filled at 19:59; partial, breakeven and exit happen after 20:00.
    start = MIDNIGHT + 19 * HOUR + 58 * MINUTE
    down = (10_100, 10_100, 10_000, PX)
    played = one(
        QUIET,
        level(PX, 5),
        (PX, 10_123, PX, 10_100),
        down,
        level(PX, 3),
        said={0: 1.0, 9: 1.0},
        start_ms=start,
    )
    assert played.fills() == [
        (1, 22, 10_001, "entry"),
        (6, -11, 10_122, "partial"),
        (7, -11, 10_010, "breakeven"),
    ]
    assert played.refusals()[9] == "session"


def test_flip_in_the_dead_session_closes_and_does_not_reverse() -> None:
    start = MIDNIGHT + 19 * HOUR + 58 * MINUTE
    played = one(level(PX, 12), said={0: 1.0, 8: -1.0}, start_ms=start)
    assert played.fills()[1:] == [(9, -22, 9_999, "flip")]


# ---------------------------------------------------------------- throttle


@pytest.mark.parametrize(
    ("adx", "entries"),
    [(0.0, 3), (19.99, 3), (20.0, 6), (25.0, 6), (25.01, 10), (60.0, 10), (math.nan, 3)],
)
def test_entries_a_day_follow_the_htf_adx(adx: float, entries: int) -> None:
    assert daily_limit(adx, rules_record(settings())[0].gates) == entries


def test_throttle_counts_filled_entries_and_begins_anew_at_midnight() -> None:
    start = MIDNIGHT - 10 * MINUTE
    views = dict.fromkeys(range(13), 1.0)
    played = one(level(PX), [LOSING] * 13, said=views, start_ms=start)
    bars = [bar for bar, _, _, reason in played.fills() if reason == "entry"]
    # Decisions at 23:51, 23:52, 23:53 fill; the next allowed one is that of 00:00, the close of bar 9.
    assert bars == [1, 2, 3, 10, 11, 12]
    assert played.refusals()[3:9] == ["daily_entries"] * 6
    assert played.refusals()[9:13] == ["", "", "", "daily_entries"]


def test_entry_that_was_dropped_does_not_count() -> None:
    views = dict.fromkeys(range(8), 1.0)
    played = one(QUIET, level(9_000), level(PX), [LOSING] * 5, said=views)
    # Decided at 10 000 and at 9 000, opened beyond the stop, then beyond the target.
    assert [bar for bar, _, _, reason in played.fills() if reason == "entry"] == [3, 4, 5]


def test_reversal_of_a_flip_counts_as_an_entry() -> None:
    views = {0: 1.0, 5: -1.0, 10: 1.0, 15: -1.0}
    played = one(level(PX, 20), said=views)
    assert [fill[3] for fill in played.fills()] == ["entry", "flip", "entry", "flip", "entry", "flip"]
    assert played.refusals()[15] == "daily_entries"


# ---------------------------------------------------------------- HTF ADX


@pytest.mark.parametrize(
    ("adx", "spared", "strong"),
    [(17.0, False, True), (16.99, False, False), (16.99, True, True), (math.nan, False, False)],
)
def test_htf_adx_gate_asks_for_17_except_where_mean_reversion_agrees(
    adx: float, spared: bool, strong: bool
) -> None:
    gates = rules_record(settings({"risk.gates.htf_adx_min": 17.0}))[0].gates
    assert trend_is_strong(adx, spared, gates) == strong


def test_htf_adx_gate_can_be_read_literally() -> None:
    literal = {"risk.gates.htf_adx_min": 17.0, "risk.gates.htf_adx_spares_meanrev": False}
    assert not trend_is_strong(16.99, True, rules_record(settings(literal))[0].gates)


def test_unknown_adx_and_unknown_volatility_refuse() -> None:
    assert one(level(PX, 3), changes={"risk.gates.htf_adx_min": 17.0}).refused_by(0) == {"htf_adx"}
    assert one(level(PX, 3), changes={"risk.stops.stop_atr": 1.5}).refused_by(0) == {"volatility"}


def test_missing_bar_refuses_and_the_next_bar_trades() -> None:
    played = one(QUIET, None, level(PX, 3), said={1: 1.0})
    assert played.refusals()[1] == "valid_bar"
    assert one(QUIET, None, level(PX, 3), said={2: 1.0}).fills()[0] == (3, 25, 10_001, "entry")


# ---------------------------------------------------------------- macro

EVENT = MONDAY_08 + HOUR


@pytest.mark.parametrize(
    ("minute", "refused"), [(29, False), (30, True), (60, True), (90, True), (91, False)]
)
def test_no_entry_within_thirty_minutes_of_an_important_event(minute: int, refused: bool) -> None:
    played = one(level(PX, 95), said={minute - 1: 1.0}, macro=(EVENT,))
    assert played.refused_by(minute - 1) == ({"macro"} if refused else set())
    assert (played.fills() == []) is refused


def test_position_stays_through_an_event() -> None:
    played = one(level(PX, 95), said={0: 1.0}, macro=(EVENT,))
    assert [fill[3] for fill in played.fills()] == ["entry", "end_of_data"]


# ---------------------------------------------------------------- spread


@pytest.mark.parametrize(("spread", "narrow"), [(0.0005, True), (0.000501, False), (math.nan, True)])
def test_spread_up_to_five_basis_points_passes_and_an_unknown_one_is_said(
    spread: float, narrow: bool
) -> None:
    assert spread_is_narrow(spread, rules_record(settings())[0].gates) == narrow
    assert int(one(level(PX, 3)).decisions[0, 0].unknown) >> 7 & 1  # gate 8: there is no book in a backtest


def test_unknown_spread_can_be_refused() -> None:
    played = one(level(PX, 3), changes={"risk.gates.unknown_spread": "refuse"})
    assert played.refused_by(0) == {"spread"}
