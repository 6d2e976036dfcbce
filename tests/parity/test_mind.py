"""The live side of the engine, told the fills of a backtest, wants what the backtest wanted at every bar."""

from __future__ import annotations

import numpy as np

from mastertrading.app.bar_inputs import Inputs, primer_of
from mastertrading.live.ear import Ear
from mastertrading.live.mind import Mind
from parity.scenes import made, recorded
from parity.whole import END, replayed


def lived(scene, run):
    """The same days, bar by bar, with the backtest's fills and payments told as a venue would tell them."""
    market = scene.market
    ear = Ear(scene.settings, market.instruments, primer_of(market), int(market.ts_ms[0]))
    mind = Mind(scene.settings, market.instruments)
    told = Inputs(market)
    out = {"decisions": [], "equity": [], "orders": []}
    written = []
    for t in range(scene.stop):
        heard = ear.hear(told.of(t))
        if t < scene.start:
            mind.listen(heard)
            continue
        open_ms = int(market.ts_ms[t])
        close_ms = open_ms + market.base_ms
        mind.take_transfers(_until(scene.past.transfers, mind, "transfers", open_ms + 1))
        mind.take_payments(_until(run["payments"], mind, "payments", close_ms))
        mind.take_fills(_until(run["fills"], mind, "fills", close_ms))
        mind.decide(heard, ear.hours.returns)
        written.append(mind.happened())
        out["decisions"].append(mind.book.latest.copy())
        account = mind.book.account[0]
        out["equity"].append((close_ms, account.equity, account.balance, account.exposure))
        out["orders"].append(mind.book.orders.copy())
    out = {name: np.stack(rows) if name != "equity" else np.array(rows) for name, rows in out.items()}
    return out | {n: np.concatenate([getattr(w, n) for w in written]) for n in written[0]._fields}


def _until(rows, mind, name, until_ms):
    """Rows not told yet and before a moment."""
    told = mind.__dict__.setdefault(f"told_{name}", 0)
    end = int(np.searchsorted(rows["ts_ms"], until_ms))
    mind.__dict__[f"told_{name}"] = max(told, end)
    return rows[told:end].copy().view(np.recarray)


def same(scene):
    run = replayed(scene)
    live = lived(scene, run)
    for field in run["decisions"].dtype.names:
        assert np.array_equal(run["decisions"][field], live["decisions"][field]), field
    equity = np.array([tuple(row) for row in run["equity"]])
    assert np.array_equal(equity, live["equity"])
    for name in ("fills", "trades", "payments", "stops", "events"):
        was, now = run[name], live[name]
        if name in ("fills", "trades"):  # a backtest closes what is open at its end
            was = was[was["reason" if name == "fills" else "exit_reason"] != END]
        assert len(was) == len(now), name
        for field in was.dtype.names:
            assert np.array_equal(was[field], now[field], equal_nan=was[field].dtype.kind == "f"), (
                name,
                field,
            )
    return run


def test_two_recorded_days_are_decided_alike_from_the_venues_news():
    run = same(recorded(("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"), hours=96))
    assert len(run["fills"]) > 10
    assert len(run["payments"]) > 0


def test_holes_and_bad_bars_are_decided_alike_from_the_venues_news():
    run = same(made(days=3.0))
    assert len(run["fills"]) > 10
