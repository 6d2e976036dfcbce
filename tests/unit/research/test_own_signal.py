"""A user's own signal: finding it, its parameters, what it is given, and what it may return."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mastertrading.domain.errors import SignalError, UsageError
from mastertrading.lake.synthetic import synthesize
from mastertrading.research.own_signal import evaluate, load_signal, signal_of
from mastertrading.research.parameters import read_options

CROSS = """
import numpy as np

def cross(bars, fast: int = 20, width: float = 2, strict: bool = False, kind: str = "ema"):
    return np.full(len(bars), fast / 100.0)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with ``signals/cross.py``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signals").mkdir()
    (tmp_path / "signals" / "cross.py").write_text(CROSS)
    return tmp_path


@pytest.fixture(scope="module")
def market():
    """Three hours of two instruments; ETH has a hole, and SOL never trades."""
    made = synthesize(("BTC", "ETH", "SOL"), days=0.125, seed=3, primer_days=0)
    gone = np.zeros(made.valid.shape, np.bool_)
    gone[10:15, 1] = gone[:, 2] = True
    prices = {
        name: np.where(gone, np.nan, getattr(made, name))
        for name in ("open", "high", "low", "close", "volume")
    }
    return replace(made, **prices, valid=~gone)


def refused(text, **params):
    with pytest.raises(SignalError) as caught:
        load_signal(text, params)
    assert caught.value.exit_code == 2
    return caught.value


def written(folder, text, name="mine"):
    (folder / "signals" / f"{name}.py").write_text(text)
    return name


# ---------------------------------------------------------------- finding it


@pytest.mark.parametrize("text", ["cross", "signals/cross.py", "signals/cross.py:cross", "cross:cross"])
def test_a_signal_is_found_by_name_file_and_function(folder, text):
    found = load_signal(text)
    assert found.name == "cross"
    assert dict(found.params) == {"fast": 20, "width": 2.0, "strict": False, "kind": "ema"}
    assert str(found) == "cross(fast=20, width=2.0, strict=false, kind=ema)"


def test_a_signal_that_is_not_there_names_those_that_are(folder):
    error = refused("crss")
    assert error.what == "there is no signal 'crss'; did you mean cross?"
    assert "signals has cross" in error.why
    assert error.hint == "--signal cross"
    assert "signals has cross" in refused("other/file.py").why
    assert refused("other/file.py").hint == f"write it into {Path('other/file.py')}"
    assert refused("signals").hint.startswith("--signal cross")


def test_a_name_whose_file_lies_beside_the_folder_says_how_to_reach_it(folder):
    (folder / "near.py").write_text(CROSS)
    assert refused("near").hint == "--signal near.py"


def test_a_syntax_error_is_told_with_its_line(folder):
    error = refused(written(folder, "def mine(bars):\n    return 1 +\n"))
    assert error.where.endswith("mine.py:2")


def test_a_file_that_fails_while_it_is_loaded_is_told_with_its_line(folder):
    error = refused(written(folder, "import numpy\n\nx = numpy.nothing\n"))
    assert "mine.py:3: x = numpy.nothing" in error.where
    assert "AttributeError" in error.why
    error = refused(written(folder, "import not_there\n"))
    assert "one file" in error.hint


def test_a_function_that_is_not_in_the_file_names_those_that_are(folder):
    error = refused("cross:crosss")
    assert error.what == "cross.py has no function crosss; did you mean cross?"
    two = written(folder, "def a(bars): return 1\ndef b(bars): return 2\n")
    assert refused(two).why == "it has a, b"
    assert load_signal("signals/mine.py:b").name == "b"


def test_a_single_function_needs_no_name_and_imported_ones_do_not_count(folder):
    text = "from math import sqrt\nfrom numpy import sign\ndef only(bars): return sign(bars.close)\n"
    assert load_signal(written(folder, text)).name == "only"


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        ("", "takes no bars"),
        ("*bars", "takes no bars"),
        ("bars, fast", "fast has no default"),
        ("bars, *rest", "every parameter needs a name"),
        ("bars, **rest", "every parameter needs a name"),
        ("bars, fast=None", "default of fast is None"),
        ("bars, fast=(1, 2)", "default of fast is (1, 2)"),
    ],
)
def test_a_function_that_is_no_signal_says_why(folder, signature, why):
    error = refused(written(folder, f"def mine({signature}): return 0\n"))
    assert why in error.why
    assert error.hint.startswith("def ")


@pytest.mark.parametrize("text", ["", ".", ":f", "signals", "not/there.py", "a b"])
def test_what_is_no_name_and_no_file_is_refused(folder, text):
    error = refused(text)
    assert "cross" in error.why
    assert error.hint


@pytest.mark.parametrize("source", ["async def mine(bars): return 0\n", "def mine(bars): yield 0\n"])
def test_a_function_that_returns_later_is_no_signal(folder, source):
    assert "has to return an array" in refused(written(folder, source)).why


def test_a_class_beside_the_function_is_no_second_signal(folder):
    text = "class Helper: pass\ndef one(bars): return bars.close * 0\n"
    assert load_signal(written(folder, text)).name == "one"


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / "signals" / "mine.py").write_bytes(b"def mine(bars):\n    return bars\0\n")
    assert "is not Python" in refused("mine").what


# ---------------------------------------------------------------- parameters


def test_parameters_are_read_as_their_defaults_say(folder):
    given = load_signal("cross", read_options(["fast=7", "width=2", "strict=TRUE", "kind=sma", "fast=9"]))
    assert dict(given.params) == {"fast": 9, "width": 2.0, "strict": True, "kind": "sma"}
    values = dict(given.with_params(fast=np.int64(3), width=1, strict=False).params)
    assert values == {"fast": 3, "width": 1.0, "strict": False, "kind": "sma"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("fast", "2.5"), ("fast", "x"), ("fast", 2.5), ("fast", True), ("width", "nan"), ("width", "wide"),
     ("strict", "1"), ("strict", 1), ("kind", 3)],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(folder, name, value):
    error = refused("cross", **{name: value})
    assert name in error.what
    assert "its default" in error.why


def test_an_unknown_parameter_names_those_that_exist(folder):
    error = refused("cross", fst=3)
    assert "did you mean fast?" in error.what
    assert error.why == "it has fast=20, width=2.0, strict=false, kind=ema"


@pytest.mark.parametrize("text", ["fast", "=3", "fa st=3"])
def test_an_option_that_is_no_parameter_is_refused(text):
    with pytest.raises(UsageError):
        read_options([text])


def test_the_key_follows_source_and_parameters_and_nothing_else(folder):
    first = load_signal("cross")
    assert first.key == load_signal("signals/cross.py").key
    assert first.key != first.with_params(fast=21).key
    (folder / "signals" / "cross.py").write_text(CROSS + "\n")
    assert load_signal("cross").key != first.key


# ---------------------------------------------------------------- evaluating it


def test_a_function_sees_each_instrument_by_itself_without_its_missing_bars(market):
    seen = {}

    def watching(bars):
        seen[bars.symbol] = bars
        return np.arange(len(bars)) / 1000.0

    out = evaluate(signal_of(watching), market)
    assert list(seen) == ["BTCUSDT", "ETHUSDT"]
    bars = seen["ETHUSDT"]
    assert len(bars) == 175
    assert np.isfinite(bars.close).all()
    assert np.array_equal(bars.close_ms, market.ts_ms[market.valid[:, 1]] + 60_000)
    assert out.flags.c_contiguous
    assert out[9:16, 1].tolist() == [0.009, 0, 0, 0, 0, 0, 0.01]
    assert not out[:, 2].any()


def test_a_function_of_the_panel_sees_all_instruments_and_missing_bars_get_no_forecast(market):
    def of_panel(panel):
        assert panel.close.shape == panel.valid.shape == (180, 3)
        assert panel.symbols == market.symbols
        return np.ones(panel.close.shape)

    out = evaluate(signal_of(of_panel), market)
    assert np.array_equal(out != 0.0, market.valid)


def test_nan_is_no_opinion_and_other_numbers_will_do(market):
    assert not evaluate(signal_of(lambda bars: np.full(len(bars), np.nan)), market).any()
    assert evaluate(signal_of(lambda bars: [True] * len(bars)), market).max() == 1.0
    assert np.signbit(evaluate(signal_of(lambda bars: np.full(len(bars), -0.0)), market)).sum() == 0


@pytest.mark.parametrize(
    ("returned", "what", "why"),
    [
        (None, "returned nothing", "without return"),
        (0.5, "the wrong shape", "shape ()"),
        (np.zeros(3), "the wrong shape", "(3,)"),
        (np.zeros((180, 1)), "the wrong shape", "(180, 1)"),
        (np.array(["a"] * 180), "did not return numbers", "U1"),
        (np.zeros(180, complex), "did not return numbers", "complex"),
        (object(), "did not return numbers", "object"),
        (np.full(180, 1.5), "returned 1.5", "180 of 180"),
        (np.full(180, np.inf), "returned inf", "180 of 180"),
    ],
    ids=lambda given: str(given)[:20] if isinstance(given, str) else type(given).__name__,
)
def test_what_is_no_array_of_forecasts_is_refused(market, returned, what, why):
    with pytest.raises(SignalError) as caught:
        evaluate(signal_of(lambda bars: returned), market)
    assert what in caught.value.what
    assert why in caught.value.why


def test_a_forecast_out_of_range_is_told_with_its_bar_and_instrument(market):
    def wild(panel):
        out = np.zeros(panel.close.shape)
        out[7, 1] = -2.0
        return out

    with pytest.raises(SignalError) as caught:
        evaluate(signal_of(wild), market)
    assert "opens 2024-01-01T00:07 UTC of ETHUSDT" in caught.value.why
    assert caught.value.hint == "np.clip(forecast, -1, 1)"


@pytest.mark.parametrize("leaving", ["raise KeyError('x')", "raise SystemExit(3)", "1 / 0"])
def test_a_function_that_fails_is_told_with_the_line_of_the_users_file(folder, market, leaving):
    name = written(folder, f"def helper():\n    {leaving}\n\ndef mine(bars):\n    return helper()\n", "mine")
    with pytest.raises(SignalError) as caught:
        evaluate(load_signal(f"{name}:mine"), market)
    assert caught.value.where.endswith(f"mine.py:2: {leaving}")


def test_a_number_of_bars_that_makes_no_sense_is_told_with_the_line(folder, market):
    text = "from mastertrading import ema\n\ndef mine(bars, n: int = 0):\n    return ema(bars.close, n)\n"
    with pytest.raises(UsageError) as caught:
        evaluate(load_signal(written(folder, text)), market)
    assert caught.value.where.endswith("mine.py:4: return ema(bars.close, n)")


def test_the_bars_are_not_the_users_to_change(market):
    def changing(bars):
        bars.high[3] = 0.0

    with pytest.raises(SignalError) as caught:
        evaluate(signal_of(changing), market)
    assert "copy" in caught.value.hint


def test_what_a_signal_prints_does_not_reach_stdout(market, capsys):
    def talking(bars):
        print("hello")
        return np.zeros(len(bars))

    evaluate(signal_of(talking), market)
    told = capsys.readouterr()
    assert told.out == ""
    assert "hello" in told.err


def test_an_array_that_bars_do_not_have_is_answered_with_those_they_have(folder):
    (folder / "signals" / "vwap.py").write_text("def vwap(bars):\n    return bars.vwap\n")
    with pytest.raises(SignalError) as told:
        evaluate(load_signal("vwap"), synthesize(("BTCUSDT",), days=1))
    assert told.value.hint == "bars has ts_ms, open, high, low, close, volume, base_ms, symbol and close_ms"
