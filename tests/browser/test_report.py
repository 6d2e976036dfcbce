"""The report in a real browser: it draws without a complaint, asks nobody for anything, and tells the run's figures."""

from __future__ import annotations

import json
from html import escape

import numpy as np
import pytest

from browser.chromium import Browser, needs_chromium
from command_runs import backtest, command
from factories import make_result
from mastertrading.surfaces.report.encoding import pack, pack_rising
from mastertrading.surfaces.report.page import ASSETS
from surfaces_made import EDGES, HOSTILE, hostile_page, page_of, walking_market

pytestmark = needs_chromium

WIDTHS = (320, 390, 1600)
OPENS_WITHIN_MS = 2000


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return backtest(tmp_path_factory.mktemp("runs") / "run", "--synthetic", "--days", 6)


@pytest.fixture(scope="module")
def summary(run):
    return json.loads((run / "summary.json").read_text())


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_opens_without_a_complaint_a_request_or_a_sideways_scroll(browser, run, width, dark):
    page = browser.open(run / "report.html", width, dark=dark)
    assert page.value("document.documentElement.dataset.ready") == "true"
    assert page.complaints() == []
    assert page.requests() == [(run / "report.html").resolve().as_uri()]
    assert page.value("document.documentElement.scrollWidth") == width
    assert int(page.value("document.documentElement.dataset.openedMs")) < OPENS_WITHIN_MS


def test_every_figure_of_the_page_is_the_summarys(browser, run, summary):
    page = browser.open(run / "report.html")
    shown = page.value(
        "[...document.querySelectorAll('[data-figure]')].map(e => [e.dataset.figure, e.dataset.value])"
    )
    assert len(shown) == 10
    for path, value in shown:
        expected = summary
        for name in path.split("."):
            expected = expected[name]
        assert float(value) == expected, path
    text = page.value("document.querySelector('[data-figure=\"trades.trades\"]').textContent")
    assert int(text.replace(",", "")) == summary["trades"]["trades"] > 0


def test_the_curve_ends_at_the_summarys_return_and_market(browser, run, summary):
    page = browser.open(run / "report.html")
    told = page.value("document.querySelector('#chart-equity .readout').textContent").replace("−", "-")
    assert f"{summary['returns']['total'] * 100:+.2f} %" in told
    assert f"{summary['buy_and_hold']['equal_weight'] * 100:+.2f} %" in told


def test_both_charts_are_drawn_in_the_colours_of_the_theme(browser, run):
    page = browser.open(run / "report.html")
    painted = """(() => { const c = document.querySelector('%s canvas.plot');
        const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        let n = 0; for (let k = 3; k < p.length; k += 4) n += p[k] > 0; return n / (p.length / 4); })()"""
    assert page.value(painted % "#chart-equity") > 0.02
    assert page.value(painted % "#chart-candles") > 0.02
    before = page.value("getComputedStyle(document.body).backgroundColor")
    page.value("document.getElementById('theme').click()")
    assert page.value("getComputedStyle(document.body).backgroundColor") != before
    assert page.complaints() == []


def test_a_row_of_the_list_leads_to_the_candles_of_its_trade(browser, run, summary):
    page = browser.open(run / "report.html")
    assert page.value("document.querySelectorAll('.trades tbody tr').length") == min(
        20, summary["trades"]["trades"]
    )
    page.value("document.querySelectorAll('.trades button.go')[1].click()")
    wanted = page.value("document.querySelectorAll('.trades tbody tr')[1].cells[0].textContent")
    assert f"Trade {wanted} " in page.value("document.querySelector('#chart-candles .readout').textContent")
    name = page.value("document.querySelectorAll('.trades tbody tr')[1].cells[1].textContent")
    chosen = "document.querySelector('#chart-candles select').selectedOptions[0].textContent"
    assert page.value(chosen) == name


def test_the_list_sorts_filters_and_counts(browser, run, summary):
    page = browser.open(run / "report.html")
    page.value("[...document.querySelectorAll('.trades th button')].at(-1).click()")
    best = page.value("document.querySelector('.trades tbody tr').cells[11].textContent")
    assert best == f"+{summary['trades']['best_atoms'] / 1e8:,.2f}"
    page.value("""(() => { const s = document.querySelectorAll('.filters select')[3];
        s.value = 'winners'; s.dispatchEvent(new Event('change')); })()""")
    assert page.value("document.querySelector('.count').textContent").endswith(
        f" of {summary['trades']['wins']}"
    )


def test_the_keyboard_reads_and_zooms_the_curve(browser, run):
    page = browser.open(run / "report.html")
    readout = "document.querySelector('#chart-equity .readout').textContent"
    page.value("document.querySelector('#chart-equity canvas.plot').focus()")
    page.press("ArrowRight")
    first = page.value(readout)
    page.press("ArrowRight")
    assert page.value(readout) != first
    axis = "document.querySelector('#chart-equity canvas.plot').toDataURL()"
    before = page.value(axis)
    page.press("+")
    assert page.value(axis) != before
    assert (
        page.value("document.querySelector('#chart-equity .readout').getAttribute('aria-live')") == "polite"
    )


def test_a_page_that_calls_out_or_breaks_would_be_noticed(browser, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<img src='http://127.0.0.1:9/x.png'><script>undefinedName()</script>")
    opened = browser.open(page)
    assert "http://127.0.0.1:9/x.png" in opened.requests()
    assert any("undefinedName" in text for text in opened.complaints())


def test_the_page_forbids_itself_scripts_and_connections_that_are_not_its_own(browser, run, tmp_path):
    text = (run / "report.html").read_text()
    page = tmp_path / "tampered.html"
    page.write_text(
        text.replace(
            "</main>", "<script>document.title='owned'</script><img src='http://127.0.0.1:9/x'></main>"
        )
    )
    opened = browser.open(page)
    assert opened.value("document.title") != "owned"
    assert any("Content Security Policy" in text for text in opened.complaints())


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_names_stay_text_and_inside_the_page(browser, tmp_path, width):
    page = tmp_path / "hostile.html"
    page.write_text(hostile_page())
    opened = browser.open(page, width)
    assert opened.complaints() == []
    assert opened.value("document.title").count("owned") == 0
    assert opened.value("window.owned === undefined")
    assert opened.value("document.querySelectorAll('main img, main script').length") == 0
    assert HOSTILE in opened.value("document.getElementById('groups').textContent")
    assert opened.value("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_that_is_hardly_one_is_drawn_without_a_complaint(browser, tmp_path, edge, width):
    scene = EDGES[edge]
    page = tmp_path / "edge.html"
    page.write_text(page_of(make_result(scene=scene), walking_market(scene.instruments, scene.minutes)))
    opened = browser.open(page, width)
    assert opened.complaints() == []
    assert opened.value("document.documentElement.dataset.ready") == "true"
    assert opened.value("document.documentElement.scrollWidth") == width


def test_the_script_reads_what_the_encoder_wrote(browser, tmp_path):
    numbers = [0, 1, -1, 63, -64, 64, 8191, -8192, 2**31, -(2**31), 2**51, -(2**51), 1_748_169_360_000]
    values = np.array(numbers, np.int64)
    rising = np.cumsum(np.array([10**12, 60_000, 0, -5]))
    page = tmp_path / "decode.html"
    script = (ASSETS / "decode.js").read_text()
    page.write_text(f"<meta charset=utf-8><title>{escape('decode')}</title><script>{script}</script>")
    opened = browser.open(page)
    assert opened.value(f"unpack('{pack(values)}')") == numbers
    assert opened.value(f"unpackRising('{pack_rising(rising)}')") == rising.tolist()
    assert opened.value(f"unpack('{pack(values[:0])}')") == []


def test_a_report_without_bars_has_everything_else(browser, run, tmp_path):
    bare = tmp_path / "run"
    bare.mkdir()
    for file in run.iterdir():
        if file.name not in ("report.html", "timing.json"):
            (bare / file.name).write_bytes(file.read_bytes())
    config = (bare / "config.toml").read_text()
    (bare / "config.toml").write_text(config.replace("seed = 1\n", "seed = 2\n", 1))  # gives other bars
    command("report", bare, "--json")
    opened = browser.open(bare / "report.html")
    assert opened.complaints() == []
    assert opened.value("document.getElementById('chart-candles')") is None
    assert opened.value("document.querySelectorAll('.trades tbody tr').length") > 0
