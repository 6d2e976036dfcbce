"""Edges that a review found: what is counted when several things happen in one bar, and at a run's ends."""

from __future__ import annotations

import numpy as np
import pytest

from hand_made import PX, Scene, coin, level, market, one, play, settings
from mastertrading.backtest.run import Ask, run
from mastertrading.domain.market import DAY_MS, MINUTE_MS
from mastertrading.domain.reasons import Breaker, EventKind, Stage
from mastertrading.lake.synthetic import synthesize
from mastertrading.settings.schema import Settings

TWO = (coin(), coin("ETHUSDT"))
ALL_IN = {"risk.per_trade": 0.05, "risk.portfolio.max_value_at_risk": 1.0}


def at(minute: int) -> str:
    """Minutes after the first bar of a hand-made market, as a time."""
    start = int(market(Scene([level(PX, 1)])).ts_ms[0])
    return str(np.datetime64(start + minute * MINUTE_MS, "ms"))


def test_an_entry_beside_a_flip_counts_the_new_side_of_the_flip() -> None:
    # Two coins without history count as one: 0.4 leaves 0.4 - 0.2475 = 0.1525 times equity beside a full position.
    limit = {"risk.portfolio.max_correlated_exposure": 0.4, "position.flip_min_minutes": 0.0}
    bars = level(PX, 6)
    played = play(Scene([bars, bars], said=[{0: 1.0, 3: -1.0}, {3: -0.9}], coins=TWO, changes=limit))
    flipped = [lots for bar, lots, _, reason in played.fills(0) if reason == "entry" and bar == 4]
    beside = [lots for bar, lots, _, reason in played.fills(1) if reason == "entry" and bar == 4]
    assert flipped == [-25]
    assert beside == [-15]


def test_a_loss_in_the_bar_that_ends_the_day_still_flattens() -> None:
    midnight = int(market(Scene([level(PX, 1)])).ts_ms[0]) // DAY_MS * DAY_MS + DAY_MS
    changes = {**ALL_IN, "risk.breakers.day": {"half_size": 0.002, "no_entries": 0.003, "flatten": 0.005},
               "risk.breakers.week": {"half_size": 1.0, "no_entries": 1.0, "flatten": 1.0},
               "risk.breakers.peak": {"half_size": 1.0, "no_entries": 1.0, "flatten": 1.0}}  # fmt: skip
    bars = [*level(PX, 4), (PX, PX, 9_910, 9_910), *level(9_910, 3)]
    played = play(Scene([bars], start_ms=midnight - 5 * MINUTE_MS, changes=changes))
    tripped = [(int(e.subject), int(e.stage)) for e in played.events(EventKind.BREAKER_TRIPPED)]
    assert tripped == [(Breaker.DAY, Stage.FLATTEN)]
    assert [reason for *_, reason in played.fills()] == ["entry", "breaker"]


def test_an_account_that_was_emptied_starts_again_with_the_next_deposit() -> None:
    moves = ({"at": at(1), "amount": -10_100.0}, {"at": at(3), "amount": 10_100.0})
    played = one(level(PX, 8), said={5: 1.0}, changes={"account.transfers": moves})
    assert played.events(EventKind.BREAKER_TRIPPED) == []
    assert [reason for *_, reason in played.fills()] == ["entry", "end_of_data"]


def test_a_withdrawal_of_more_than_there_is_is_refused_and_said() -> None:
    moves = ({"at": at(1), "amount": -50_000.0},)
    played = one(level(PX, 4), said={0: 0.0}, changes={"account.transfers": moves})
    assert [e.value for e in played.events(EventKind.TRANSFER_REFUSED)] == [-50_000.0 * 1e8]
    assert int(played.result.equity[-1].balance) == 1_010_000_000_000


def test_thousands_of_transfers_at_one_moment_are_all_booked() -> None:
    moves = tuple({"at": at(1), "amount": 1.0} for _ in range(20_000))
    played = one(level(PX, 4), said={0: 0.0}, changes={"account.transfers": moves})
    assert int(played.result.equity[-1].balance) == 1_010_000_000_000 + 20_000 * 10**8


def test_a_stopped_trade_saw_at_least_the_loss_it_took() -> None:
    trade = one([*level(PX, 2), (PX, PX, 9_800, 9_800), *level(9_800, 2)]).trade
    assert trade.worst_r <= -1.0
    assert trade.best_r == 0.0


@pytest.mark.parametrize("minute", [3, 4, 5])
def test_a_later_start_hears_the_verdicts_that_are_still_fresh(minute: int) -> None:
    scene = Scene([level(PX, 8)], said=[{2: 1.0}], changes={"allocation.ttl_seconds": 130})
    market_, chosen = market(scene), settings(scene.changes)
    given = {"BTCUSDT": (market_.ts_ms[2:3], np.array([1.0]))}
    begin = int(market_.ts_ms[minute])
    rows: list[np.ndarray] = []
    run(market_, chosen, Ask(from_ms=begin, forecasts=given, all_paths=False),
        on_decisions=lambda _t, _v, decisions, _rows: rows.append(decisions.copy()))  # fmt: skip
    # Said at the close of bar 2, which is the open of bar 3; 130 s reach two closes further.
    assert bool(rows[0][0, 0].lots) == (minute <= 5)


def test_a_module_without_weight_has_no_vote() -> None:
    weights = {"trend": 0.0, "meanrev": 0.2, "carry": 0.15, "smc": 0.35}
    chosen = Settings.model_validate({"allocation": {"weights": weights}})
    seen: list[np.ndarray] = []
    run(synthesize(("BTCUSDT", "ETHUSDT"), 3.0, 1), chosen, Ask(all_paths=False),
        on_decisions=lambda _t, _v, decisions, _rows: seen.append(decisions.copy()))  # fmt: skip
    votes = np.concatenate(seen)["votes_long"] | np.concatenate(seen)["votes_short"]
    assert not (votes & 1).any()
    assert votes.any()


UNREAD = {
    "risk.gates.htf_adx_min": 0.0, "risk.gates.throttle.low": 9, "risk.gates.throttle.middle": 9,
    "risk.gates.throttle.high": 9, "risk.volatility.wild_scale": 1.0, "risk.stops.stop_atr": 0.0,
    "risk.stops.target_atr": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("chunk_bars", [2, None])
def test_rows_beside_the_decisions_are_the_markets_whatever_the_chunks(chunk_bars: int | None) -> None:
    scene = Scene([[*level(PX, 3), None, *level(PX, 4)]], changes=UNREAD)
    market_ = market(scene)
    blend = np.array([[0.01], [np.nan], [np.nan], [0.02]] * 2)
    given = {"BTCUSDT": (market_.ts_ms[2:3], np.array([1.0]))}
    told: list[np.ndarray] = []
    run(market_, settings(scene.changes),
        Ask(forecasts=given, volatility=blend, all_paths=False, chunk_bars=chunk_bars),
        on_decisions=lambda _t, _v, _d, rows: told.append(rows.copy()))  # fmt: skip
    rows = np.concatenate(told)
    ticks = [round(px / float(market_.instruments[0].tick)) for px in market_.close[:, 0] if not np.isnan(px)]
    assert rows["valid"][:, 0].tolist() == market_.valid[:, 0].tolist()
    assert rows["close"][rows["valid"] != 0].tolist() == ticks
    assert np.array_equal(rows["volatility"], blend, equal_nan=True)
    assert np.isnan(rows["htf_adx"]).all()
