"""The lake keeps the past as it was: later files, later revisions and later bars do not change it."""

from __future__ import annotations

import numpy as np
import polars as pl

from lookahead.harness import BAR_COLUMNS, HOUR_MS, MINUTE_MS
from mastertrading.domain.market import DAY_MS
from mastertrading.lake.importers import import_files
from mastertrading.lake.panel import load_market

START_MS = 20_212 * DAY_MS
BARS = 300


def table(symbol_price, digits, count=BARS, start_ms=START_MS):
    """A walk whose prices have so many digits."""
    rng = np.random.default_rng(1)
    close = np.round(symbol_price + np.cumsum(rng.integers(-3, 4, count)) * 10.0**-digits, digits)
    open_ = np.concatenate([close[:1], close[:-1]])
    ts = start_ms + np.arange(count) * MINUTE_MS
    columns = {
        "open": open_,
        "high": np.maximum(open_, close),
        "low": np.minimum(open_, close),
        "close": close,
    }
    return pl.DataFrame({"ts": ts, **columns, "volume": np.full(count, 10.0)})


def loaded(lake, **asked):
    return load_market(lake, notice=lambda _: None, **asked)


def test_a_later_revision_of_a_stored_bar_does_not_change_it(tmp_path):
    first, lake = table(50.0, 2), tmp_path / "lake"
    first.write_parquet(tmp_path / "SOLUSDT-1m.parquet")
    import_files([tmp_path / "SOLUSDT-1m.parquet"], lake)
    before = loaded(lake)
    later = pl.concat(
        [first.with_columns(pl.col("close").first()), table(51.0, 2, 60, START_MS + BARS * MINUTE_MS)]
    )
    later.write_csv(tmp_path / "SOLUSDT-1m.csv")
    import_files([tmp_path / "SOLUSDT-1m.csv"], lake)
    after = loaded(lake)
    assert len(after.ts_ms) > len(before.ts_ms)
    for name in (*BAR_COLUMNS, "valid"):
        assert np.array_equal(getattr(after, name)[:BARS], getattr(before, name)), name


def test_hours_that_end_after_the_base_began_prime_nothing(tmp_path):
    """The recorded hour that holds the base's first bar is not over then, and later ones even less."""
    begin_ms = START_MS + 35 * MINUTE_MS
    table(50.0, 2, start_ms=begin_ms).write_parquet(tmp_path / "SOLUSDT-1m.parquet")
    first_ms = START_MS - 100 * HOUR_MS
    hours = table(50.0, 2, 110, first_ms).with_columns(ts=pl.int_range(110, eager=True) * HOUR_MS + first_ms)
    markets = []
    for name, count in (("known", 100), ("all", 110)):
        hours.head(count).write_parquet(tmp_path / "SOLUSDT-1h.parquet")
        import_files([tmp_path / "SOLUSDT-1m.parquet", tmp_path / "SOLUSDT-1h.parquet"], tmp_path / name)
        markets.append(loaded(tmp_path / name))
    known, everything = markets
    assert int(known.primer[0].ts_ms[-1]) + HOUR_MS == START_MS
    assert len(known.primer[0]) == 100
    assert np.array_equal(known.primer[0].ts_ms, everything.primer[0].ts_ms)
    assert known.data_id == everything.data_id


def test_bars_after_the_end_that_was_asked_for_do_not_change_contract_facts(tmp_path):
    """Tick and lot of an unlisted instrument are inferred from bars: only from those that may be used."""
    coarse = table(50.0, 1)
    fine = table(50.0, 4, 400, START_MS + BARS * MINUTE_MS).with_columns(volume=pl.lit(0.125))
    short, long = tmp_path / "short", tmp_path / "long"
    for lake, bars in ((short, coarse), (long, pl.concat([coarse, fine]))):
        bars.write_parquet(tmp_path / "FOOUSDT-1m.parquet")
        import_files([tmp_path / "FOOUSDT-1m.parquet"], lake)
    cut = loaded(long, end=START_MS + BARS * MINUTE_MS)
    assert cut.instruments == loaded(short).instruments
    assert cut.instruments != loaded(long).instruments
    assert cut.data_id == loaded(short).data_id
