"""The public path sees nothing of the future: files → import → lake → market → coarse bars → views → signals."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from lookahead.harness import BAR_COLUMNS, HOUR_MS, MINUTE_MS, Known, sweep
from lookahead.markets import DATA, another_future, compiled, cuts_of, recorded, without, world_of
from mastertrading.backtest.inputs import market_minutes
from mastertrading.domain.market import DAY_MS, Bars
from mastertrading.domain.reasons import Module
from mastertrading.indicators.timeframes import resample
from mastertrading.lake.importers import import_files
from mastertrading.lake.panel import load_market
from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules
from mastertrading.signals.panel import chunk_bars, evaluate

pytestmark = [recorded, compiled]

SYMBOLS = ("BTCUSDT", "ETHUSDT")
START_MS = 20_214 * DAY_MS + 35 * MINUTE_MS  # 2025-05-06 00:35
BARS = 1600
HOURS = 300
SETTLEMENTS = 40
BROKEN = {"open": 2.0, "high": 1.0, "low": 3.0, "close": 2.0, "volume": 0.0}
"""A row whose high is below its low: the import must put it aside."""


@pytest.fixture(scope="module")
def market():
    """The recorded bars of a day and a bit, some of them broken; hours and funding before them."""
    end_ms = START_MS + BARS * MINUTE_MS
    whole = load_market(DATA, SYMBOLS, venue="binance_usdm", end=end_ms, notice=lambda _: None)
    bars = {name: getattr(whole, name)[-BARS:] for name in (*BAR_COLUMNS, "valid", "ts_ms")}
    gone = np.zeros((BARS, len(SYMBOLS)), np.bool_)
    gone[17::100, 0] = gone[63::100, 1] = gone[84::200] = True
    hours = tuple(recorded_hours(symbol) for symbol in SYMBOLS)
    paid = tuple(
        replace(one, **{name: getattr(one, name)[-SETTLEMENTS:] for name in ("ts_ms", "rate", "interval_ms")})
        for one in whole.settlements
    )
    part = replace(whole, **bars, primer=hours, settlements=paid, common_from_ms=None)
    return without(part, gone)


def recorded_hours(symbol):
    frame = pl.read_parquet(DATA / "binance_usdm" / "1h" / f"{symbol}-1h.parquet")
    before = frame.filter(pl.col("ts") + HOUR_MS <= START_MS).tail(HOURS)
    return Bars(before["ts"].to_numpy(), *(before[name].to_numpy() for name in BAR_COLUMNS))


def write_files(folder, tables_of):
    """The tables of one instrument as CSV, of the other as Parquet."""
    folder.mkdir()
    for n, symbol in enumerate(SYMBOLS):
        write = pl.DataFrame.write_csv if n == 0 else pl.DataFrame.write_parquet
        for kind, table in tables_of(n).items():
            write(table, folder / f"{symbol}-{kind}.{'csv' if n == 0 else 'parquet'}")


def running_tables(world):
    """What goes on as time goes on: bars, and funding. A missing bar is a broken row."""

    def tables(n):
        paid = world[f"rate {n}"]
        return {"1m": base_table(world, n), "funding": pl.DataFrame({"ts": paid.at_ms, "rate": paid.rows})}

    return tables


def base_table(world, n):
    missing = np.isnan(world["close"].rows[:, n])
    columns = {name: np.where(missing, BROKEN[name], world[name].rows[:, n]) for name in BAR_COLUMNS}
    return pl.DataFrame({"ts": world["close"].at_ms - MINUTE_MS, **columns})


def hours_table(hours):
    return pl.DataFrame({"ts": hours.at_ms - HOUR_MS, **dict(zip(BAR_COLUMNS, hours.rows.T, strict=True))})


@pytest.fixture
def through_files(market, tmp_path):
    """From a world to signals: written, imported into a fresh lake (that has the hours before), loaded, folded."""
    files, lake, before, settings = tmp_path / "files", tmp_path / "lake", tmp_path / "before", Settings()
    rules, whole = signal_rules(settings), world_of(market)
    write_files(files, lambda n: {"1h": hours_table(whole[f"primer {n}"])})
    import_files([files], before)

    def played(world):
        shutil.rmtree(files)
        shutil.rmtree(lake, ignore_errors=True)
        shutil.copytree(before, lake)
        write_files(files, running_tables(world))
        import_files([files], lake)
        market = load_market(lake, SYMBOLS, notice=lambda _: None)
        closes, at_ms = market.ts_ms + market.base_ms, reached(market)
        out = {name: Known(at_ms, getattr(market, name)) for name in (*BAR_COLUMNS, "valid")}
        bars = chunk_bars(market, 0, len(at_ms))
        for length_ms in (5 * MINUTE_MS, HOUR_MS):
            for n, symbol in enumerate(SYMBOLS):
                coarse = resample(bars[:, n], length_ms)
                known = at_ms[np.searchsorted(closes, coarse["close_ms"])]
                out[f"{symbol} {length_ms}"] = Known(known, coarse)
        verdicts, contexts = evaluate(market, rules, market_minutes(market, settings))
        out |= {module.name: Known(at_ms, verdicts[:, :, module]) for module in Module}
        return out | {"context": Known(at_ms, contexts)}

    return played


def test_what_is_imported_and_loaded_is_what_was_recorded(market, through_files):
    out = through_files(world_of(market))
    for name in (*BAR_COLUMNS, "valid"):
        assert np.array_equal(out[name].rows, getattr(market, name), equal_nan=True), name
    assert not market.valid.all()


def test_nothing_on_the_way_from_files_to_signals_changes_with_what_follows(market, through_files):
    world = world_of(market)
    assert any(through_files(world)[module.name].rows["forecast"].any() for module in Module)
    cuts = cuts_of(market, seed=4, count=170)
    missing = market.ts_ms[~market.valid.all(axis=1)] + MINUTE_MS
    cuts = sorted({*cuts, *map(int, missing)})
    assert len(cuts) >= 200
    assert sweep(through_files, world, cuts, another_future(market)) is None


def reached(market):
    """When a panel that ends with the last bar that every instrument has comes to hold each bar."""
    closes = market.ts_ms + market.base_ms
    later = np.append(closes, closes[-1] + DAY_MS)
    bars = np.arange(len(closes))
    existing = [np.append(np.flatnonzero(column), len(closes)) for column in market.valid.T]
    return np.max([later[rows[np.searchsorted(rows, bars)]] for rows in existing], axis=0)
