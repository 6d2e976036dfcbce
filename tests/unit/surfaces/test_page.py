"""The page as text: it renders whatever a run was, is the same for the same run, and holds no foreign markup."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from factories import MONDAY_MS, UNIT, Deal, Scene, make_result
from mastertrading.domain.errors import DataMissing, OutputError
from mastertrading.domain.market import MINUTE_MS
from mastertrading.domain.reasons import FillReason
from mastertrading.surfaces.report import marks
from mastertrading.surfaces.report.html import Html, el, join
from mastertrading.surfaces.report.page import write_report
from mastertrading.surfaces.report.payload import script_json
from surfaces_made import EDGES, HOSTILE, hostile_page, page_of, walking_market, write_folder

BOTH = Scene().instruments
DEALS = (
    Deal(gross=32, fees=1),
    Deal(gross=-9, instrument=1, side=-1, opened_min=600, reason=FillReason.STOP),
)


def data_of(page):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    )


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("with_bars", [False, True])
def test_a_page_renders_whatever_the_run_was(edge, with_bars):
    scene = EDGES[edge]
    market = walking_market(scene.instruments, scene.minutes) if with_bars else None
    page = page_of(make_result(scene=scene), market)
    data = data_of(page)
    assert data["trades"]["count"] == len(scene.deals)
    assert (data["candles"] is not None) == with_bars
    assert page.count("<h1") == 1
    assert not re.search(
        r"\b(nan|inf|NaN|Infinity)\b", re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    )


def test_the_same_run_gives_the_same_page():
    market = walking_market(BOTH, 3 * 1440)
    assert page_of(make_result(*DEALS), market) == page_of(make_result(*DEALS), market)


def test_figures_stand_in_the_page_as_in_the_summary():
    page = page_of(make_result(*DEALS))
    shown = dict(re.findall(r'data-figure="([\w.]+)" data-value="([^"]*)"', page))
    assert shown["money.net_atoms"] == str(22 * UNIT)
    assert shown["trades.trades"] == "2"
    assert "+22.00" in page


def test_no_name_of_a_run_becomes_markup():
    page = hostile_page()
    assert HOSTILE not in page
    assert page.count("<script") == 2
    assert "<img" not in page
    assert "&lt;img src=x onerror=owned=1&gt;" in page


def test_the_page_names_no_other_place():
    page = page_of(make_result(*DEALS), walking_market(BOTH, 3 * 1440))
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src &#x27;none&#x27;" in page


def test_settings_that_differ_from_the_defaults_are_marked_and_listed_first():
    from mastertrading.settings.load import load

    settings = load(overrides=["risk.per_trade=0.002", "instruments.BTCUSDT.tier=reduced"]).settings
    page = page_of(make_result(*DEALS, settings=settings))
    first = page.index('class="differs"')
    assert "risk.per_trade" in page[first : page.index("<details>")]
    assert "default 0.003" in page
    assert page.count('class="differs"') == 4  # above and in the whole list


def test_a_run_at_its_defaults_says_so():
    assert "Every setting is at its default." in page_of(make_result(*DEALS))


def test_doubled_costs_and_stops_are_shown_where_the_run_has_them_and_left_out_where_not(tmp_path):
    import polars as pl

    folder = write_folder(tmp_path / "run", make_result(*DEALS))
    (folder / "stops.parquet").unlink(missing_ok=True)
    summary = json.loads((folder / "summary.json").read_text())
    summary.pop("costs_doubled", None)
    (folder / "summary.json").write_text(json.dumps(summary))
    bare = write_report(folder).read_text()
    assert data_of(bare)["stops"] is None
    assert "doubled" not in bare[: bare.index('id="data"')]

    summary["costs_doubled"] = {"net": -7 * UNIT, "final_balance": 9_993 * UNIT}
    (folder / "summary.json").write_text(json.dumps(summary))
    rows = {
        "trade_id": [1, 1],
        "instrument": ["BTCUSDT", "BTCUSDT"],
        "ts_ms": [MONDAY_MS, MONDAY_MS + MINUTE_MS],
        "stop_px": [99_000.0, 99_500.1],
        "reason": ["initial", "trailing"],
    }
    pl.DataFrame(rows).write_parquet(folder / "stops.parquet")
    full = write_report(folder).read_text()
    assert data_of(full)["stops"] is not None
    assert "Fees and slippage doubled" in full
    assert "−7.00" in full


def test_a_waterfall_goes_from_gross_without_slippage_to_net():
    page = page_of(make_result(Deal(gross=10, fees=2, funding=1)))
    costs = page[page.index('id="costs"') : page.index('id="returns"')]
    assert [float(text.replace("−", "-")) for text in re.findall(r'class="number">([^<]*)<', costs)][2:] == [
        10.0,
        -2.0,
        -1.0,
        7.0,
    ]


def test_a_folder_that_is_no_run_and_a_place_that_cannot_be_written_are_told(tmp_path):
    with pytest.raises(DataMissing):
        write_report(tmp_path)
    folder = write_folder(tmp_path / "run", make_result(*DEALS))
    with pytest.raises(OutputError) as told:
        write_report(folder, out=tmp_path / "no" / "report.html")
    assert "--out" in told.value.hint
    assert not [path for path in tmp_path.iterdir() if path.name != "run"]


def test_words_are_translated_by_whoever_hands_in_a_translator():
    page = page_of(make_result(*DEALS), translate=lambda sentence: f"«{sentence}»")
    assert "«Equity and drawdown»" in page
    assert data_of(page)["words"]["reset"] == "«Everything»"


# ---------------------------------------------------------------- small parts


def test_a_text_is_escaped_unless_it_is_markup():
    assert el("p", "a < b & c", Html("<br>")) == "<p>a &lt; b &amp; c<br></p>"
    assert el("p", class_='"x"', hidden=True, title=None, id=False) == '<p class="&quot;x&quot;" hidden></p>'
    assert join(None, ["<", [Html("<i>")]]) == "&lt;<i>"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan").item()])
def test_json_of_a_page_refuses_what_json_has_not(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json({"x": value})


def test_json_of_a_page_cannot_end_its_element():
    text = script_json({"</script>": "<!-- & \u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"</script>": "<!-- & \u2028"}


def test_numbers_have_real_minus_signs_and_dates_keep_their_hyphens():
    assert marks.minus("2025-05-26  -1.28 %") == "2025-05-26  −1.28\u00a0%"
    assert marks.minus("-36.00 USDT · -2.54 %") == "−36.00 USDT · −2.54\u00a0%"
    assert (marks.money(5 * UNIT), marks.money(-5 * UNIT), marks.money(0)) == ("+5.00", "−5.00", "0.00")
    assert (marks.percent(0.1), marks.percent(None)) == ("+10.00\u00a0%", "–")


def test_a_bar_reaches_from_zero_in_its_direction():
    assert 'class="gain" style="left:50.00%;width:50.00%"' in marks.from_zero(2.0, [2.0, -2.0])
    assert 'class="loss" style="left:0.00%;width:50.00%"' in marks.from_zero(-2.0, [2.0, -2.0])
    assert "nan" not in marks.from_zero(0.0, [0.0])
