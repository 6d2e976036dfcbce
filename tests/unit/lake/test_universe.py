"""Contract facts and who has the last word on them."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest

from mastertrading.domain.errors import ConfigError, DataUnreadable
from mastertrading.lake.universe import (
    CATALOGUE,
    DEFAULT_SYMBOLS,
    describe,
    infer_step,
    read_instruments,
    resolve_instrument,
)
from mastertrading.settings.schema import InstrumentSettings


def test_catalogue_holds_the_seven_defaults_with_whole_atoms_and_ascending_ladders():
    assert DEFAULT_SYMBOLS == ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "LINKUSDT")
    for instrument in CATALOGUE.values():
        assert instrument.atoms_per_tick_lot > 0
        floors = [tier.floor for tier in instrument.tiers]
        rates = [tier.maintenance_rate for tier in instrument.tiers]
        assert floors[0] == 0
        assert floors == sorted(set(floors))
        assert rates == sorted(set(rates))


def test_settings_have_the_last_word_before_the_lake_and_the_catalogue():
    listed = {"BTCUSDT": resolve_instrument("BTCUSDT", overrides=InstrumentSettings(tick="0.5", lot="0.01"))}
    assert resolve_instrument("BTCUSDT").tick == Decimal("0.1")
    assert resolve_instrument("BTCUSDT", listed=listed).tick == Decimal("0.5")
    resolved = resolve_instrument(
        "BTCUSDT", listed=listed, overrides=InstrumentSettings(tick="1", min_lots=5)
    )
    assert (resolved.tick, resolved.lot, resolved.min_lots) == (Decimal(1), Decimal("0.01"), 5)


@pytest.mark.parametrize("text", ["0", "-1", "abc", "NaN"])
def test_override_that_is_no_positive_number_is_refused(text):
    with pytest.raises(ConfigError, match="positive decimal"):
        resolve_instrument("BTCUSDT", overrides=InstrumentSettings(tick=text))


def test_unknown_instrument_gets_the_steps_its_bars_show_and_says_so(make_bars, quiet):
    inferred = resolve_instrument("NEWUSDT", bars=make_bars(), notice=quiet.append)
    assert (inferred.tick, inferred.lot) == (Decimal("0.1"), Decimal(1))
    assert len(quiet) == 1
    assert "NEWUSDT" in quiet[0]


def test_unknown_instrument_with_stated_steps_needs_no_notice(make_bars, quiet):
    stated = InstrumentSettings(tick="0.01", lot="0.1")
    assert resolve_instrument(
        "NEWUSDT", bars=make_bars(), overrides=stated, notice=quiet.append
    ).tick == Decimal("0.01")
    assert quiet == []


def test_unknown_instrument_without_bars_is_refused():
    with pytest.raises(ConfigError, match="not known"):
        resolve_instrument("NEWUSDT")


def test_built_in_tick_that_the_bars_contradict_is_replaced_with_a_notice(make_bars, quiet):
    bars = make_bars(price=50_000.03)
    assert resolve_instrument("BTCUSDT", bars=bars, notice=quiet.append).tick == Decimal("0.01")
    assert quiet


@pytest.mark.parametrize(
    ("values", "step"),
    [([1.0, 2.0], "1"), ([0.1, 0.25], "0.01"), ([0.00001234, 0.00002], "1E-8"), ([0.3, 0.1 + 0.2], "0.1")],
)
def test_infer_step_finds_the_coarsest_power_of_ten(values, step):
    assert infer_step(np.array(values)) == Decimal(step)


def test_instruments_file_is_read_back_as_described(tmp_path):
    content = {symbol: describe(instrument) for symbol, instrument in CATALOGUE.items()}
    (tmp_path / "instruments.json").write_text(json.dumps(content))
    assert read_instruments(tmp_path) == dict(CATALOGUE)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"BTCUSDT": {"tick": "0.1"}}', '{"BTCUSDT": {"tick": "x", "lot": "1"}}']
)
def test_damaged_instruments_file_is_unreadable(tmp_path, content):
    (tmp_path / "instruments.json").write_text(content)
    with pytest.raises(DataUnreadable, match="does not describe instruments"):
        read_instruments(tmp_path)
