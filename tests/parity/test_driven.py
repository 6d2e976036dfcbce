"""Equality 2: the compiled loop is the cycle called from Python bar by bar, to the bit."""

from __future__ import annotations

import pytest

from mastertrading.backtest.run import Ask, run
from mastertrading.domain.reasons import EventKind
from parity.scenes import SEVEN, made, needs_data, recorded, stormy
from parity.whole import closes, driven, prints, replayed


def _same(scene):
    looped = replayed(scene)
    assert prints(driven(scene)) == prints(looped)
    return looped


def test_seven_recorded_instruments_trade_alike_in_the_loop_and_bar_by_bar():
    needs_data()
    looped = _same(recorded(SEVEN))
    assert len(looped["equity"]) == 13_259  # all that the seven share: 2025-05-25 10:35 to 2025-06-03 15:33
    assert len(looped["trades"]) > 30
    assert {"STOP", "BREAKEVEN", "TRAILING", "STALE"} & closes(looped)
    assert looped["trades"]["partial"].any()
    assert set(looped["trades"]["side"]) == {-1, 1}


def test_the_four_modules_on_a_made_market_trade_alike_in_the_loop_and_bar_by_bar():
    looped = _same(made())
    assert len(looped["trades"]) >= 3
    assert len(looped["payments"]) > 0


def test_everything_going_wrong_goes_alike_in_the_loop_and_bar_by_bar():
    looped = _same(stormy())
    assert {"LIQUIDATION", "STOP", "FLIP"} <= closes(looped)
    assert set(looped["events"]["kind"]) >= {
        EventKind.TRANSFER,
        EventKind.LIQUIDATION,
        EventKind.BREAKER_TRIPPED,
    }
    assert not looped["rows"]["valid"].all()


@pytest.mark.parametrize("make", [made, stormy])
def test_the_public_run_tells_what_the_loop_did(make):
    scene = make()
    ask = Ask(forecasts=scene.forecasts, all_paths=False)
    result, looped = run(scene.market, scene.settings, ask), replayed(scene)
    for name in ("trades", "fills", "payments", "events"):
        assert prints({name: getattr(result, name)}) == prints({name: looped[name]})
    assert prints({"equity": result.equity[:-1]}) == prints({"equity": looped["equity"][:-1]})
