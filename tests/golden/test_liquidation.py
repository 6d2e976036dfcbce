"""Liquidation worked out on paper: where the margin is gone, what it costs, in tiers, and all positions at once."""

from __future__ import annotations

from typing import Any

import pytest

from hand_made import CENT, PX, QUIET, Bar, Scene, coin, level, one, play, tiers
from mastertrading.domain.reasons import EventKind
from mastertrading.rules.position.margin import maintenance
from mastertrading.settings.records import spec_records
from mastertrading.settings.schema import Settings

BOLD: dict[str, Any] = {
    "risk.per_trade": 0.05,
    "risk.portfolio.max_instrument_exposure": 50.0,
    "risk.portfolio.max_correlated_exposure": 50.0,
    "risk.gates.max_leverage": 50.0,
    "risk.breakers.enabled": False,
    "account.leverage": 50.0,
}
"""505 of 10 100 at risk over 120 ticks: 420 lots, 42 000 USDT, 4.2 times equity.

Bought at 10 001: fees 21.0021, slippage 4.20; equity at the mark of 10 000 is 10 074.7979."""
STEEP = coin(tiers=tiers(("0", "0.238")))
"""23.8 % maintenance: 9 996 of 42 000, so 78.7979 to spare. A tick costs 4.20 and frees 0.9996 of margin:
78.7979 / 3.2004 = 24.6, so the margin is gone 25 ticks down, at 9 975, long before the stop at 9 880."""
ENTRY = (1, 420, 10_001, "entry")


def fall(bar: Bar, **rest: Any) -> Any:
    return one(QUIET, QUIET, bar, level(bar[3], 2), coins=(STEEP,), changes=BOLD, **rest)


def test_position_is_liquidated_where_equity_meets_the_maintenance_margin() -> None:
    played = fall((PX, PX, 9_970, 9_990))
    assert played.fills() == [ENTRY, (2, -420, 9_974, "liquidation")]
    # Taker 0.05 % and the venue's 1.25 %, of 41 890.80 USDT.
    assert int(played.result.fills[1].fee_atoms) == 420 * 9_974 * CENT * 130 // 10_000
    assert int(played.trade.gross_atoms) == -27 * 420 * CENT
    assert len(played.events(EventKind.LIQUIDATION)) == 1


def test_one_tick_before_the_level_nothing_happens() -> None:
    played = fall((PX, PX, 9_976, 9_990))
    assert played.fills() == [ENTRY, (5, -420, 9_989, "end_of_data")]


def test_gap_past_the_level_is_liquidated_at_the_open() -> None:
    played = fall((9_900, 9_950, 9_890, 9_950))
    assert played.fills() == [ENTRY, (2, -420, 9_899, "liquidation")]


def test_gap_past_the_level_and_the_stop_behind_it_is_liquidated_too() -> None:
    played = fall((9_870, 9_900, 9_860, 9_900))
    assert played.fills() == [ENTRY, (2, -420, 9_869, "liquidation")]


def test_short_is_liquidated_above() -> None:
    played = fall((PX, 10_030, PX, 10_010), said={0: -1.0})
    # Sold at 9 999: fees 20.9979, so 78.8021 to spare. A tick up costs 4.20 and asks 0.9996 more margin:
    # 78.8021 / 5.1996 = 15.2, so 16 ticks: 10 016, bought back at 10 018 (slippage 1.0016 ticks).
    assert played.fills() == [(1, -420, 9_999, "entry"), (2, 420, 10_018, "liquidation")]


def test_higher_tier_asks_more_of_the_part_above_its_floor_only() -> None:
    spec = spec_records(Settings(), [coin(tiers=tiers(("0", "0.01"), ("20000", "0.05"), ("50000", "0.10")))])[
        0
    ]
    usdt = 100 * CENT
    # 1 % of the first 20 000, 5 % of the next 30 000, 10 % above.
    assert maintenance(10_000 * usdt, spec) == 100 * usdt
    assert maintenance(20_000 * usdt, spec) == 200 * usdt
    assert maintenance(50_000 * usdt, spec) == 1_700 * usdt
    assert maintenance(60_000 * usdt, spec) == 2_700 * usdt


def test_tiers_decide_where_a_position_is_liquidated() -> None:
    ladder = coin(tiers=tiers(("0", "0.20"), ("20000", "0.27")))
    # 0.27 x 42 000 - 1 400 = 9 940: 134.7979 to spare; a tick costs 4.20 x 0.73 = 3.066: 44 ticks, 9 956.
    scene = {"coins": (ladder,), "changes": BOLD}
    played = one(QUIET, QUIET, (PX, PX, 9_956, 9_990), level(9_990), **scene)
    assert played.fills() == [ENTRY, (2, -420, 9_955, "liquidation")]
    played = one(QUIET, QUIET, (PX, PX, 9_957, 9_990), level(9_990), **scene)
    assert played.fills()[1][3] == "end_of_data"


@pytest.mark.parametrize(("px", "gone"), [(9_976, False), (9_975, True)])
def test_positions_that_survive_alone_are_liquidated_together_at_the_close(px: int, gone: bool) -> None:
    # Two halves of the same risk: each alone would last until 9 950, both together until 9 975 as one would.
    bars = [QUIET, QUIET, (PX, PX, px, px), *level(px, 2)]
    both = (STEEP, coin("ETHUSDT", tiers=STEEP.tiers))
    half = BOLD | {"risk.per_trade": 0.025}
    played = play(Scene([bars, bars], said=[{0: 1.0}, {0: 1.0}], coins=both, changes=half))
    for instrument in (0, 1):
        entry, out = played.fills(instrument)
        assert entry == (1, 210, 10_001, "entry")
        # Dated at the close of bar 2, which is the open time of bar 3.
        assert out == ((3, -210, 9_974, "liquidation") if gone else (5, -210, 9_975, "end_of_data"))
    assert len(played.events(EventKind.LIQUIDATION)) == (2 if gone else 0)


def test_ordinary_margin_never_liquidates_before_the_stop() -> None:
    played = one(QUIET, QUIET, (PX, PX, 9_000, 9_000), level(9_000))
    assert played.fills()[1] == (2, -25, 9_879, "stop")
