"""The printed tables: complete at any width, and with the figures of the summary."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from factories import INITIAL, MONDAY_MS, UNIT, Deal, Scene, make_result
from mastertrading.app.messages import tr
from mastertrading.backtest import texts
from mastertrading.backtest.result import Funnel
from mastertrading.backtest.statistics import Statistics, statistics
from mastertrading.backtest.tables import Table, report_tables
from mastertrading.backtest.terminal import render_report, render_table
from mastertrading.backtest.verdict import verdict
from mastertrading.backtest.writing import Column, narrowed, plain
from mastertrading.compiled import records
from mastertrading.domain.reasons import (
    Breaker,
    CarryGate,
    EventKind,
    FillReason,
    Gate,
    SmcGate,
    TrendGate,
)
from mastertrading.engine.book import EVENT


def busy(count: int = 40, each: float = 5.0, **changes: object) -> Statistics:
    deals = [
        Deal(
            gross=each * (3 if k % 2 else -1) * 1000,
            fees=1.25,
            funding=0.5,
            opened_min=10 + 40 * k,
            instrument=k % 2,
            side=1 - 2 * (k % 3 == 0),
            reason=FillReason(2 + k % 5),
            modules=1 + k % 15,
            ambiguous=k % 7 == 0,
        )
        for k in range(count)
    ]
    paths = {"best": 9_000_000 * UNIT, "worst": 345 * UNIT}
    result = make_result(*deals, paths=paths, **changes)
    result.funnel.minutes[:] = 4320
    result.funnel.module_fires[:] = 500
    result.funnel.gate_asked[:] = 123_456
    result.funnel.gate_first[:, Gate.MIN_MODULES] = 98_765
    result.funnel.module_asked[:] = 123_456
    return statistics(result)


def printed(what: object, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(what)
    return console.file.getvalue()


def table_of(whole: Statistics, name: str) -> Table:
    return next(table for table in report_tables(whole) if table.title == texts.TITLES[name])


def cells(table: Table) -> dict[str, list[str]]:
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.lines()}


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_every_table_fits_and_no_figure_is_cut(width, count):
    whole = busy(count)
    text = printed(render_report(whole, width), width)
    assert max(len(line.rstrip()) for line in text.splitlines()[:-2]) <= width
    assert "…" not in text
    for table in report_tables(whole):
        assert table.title in text
        for row in narrowed(table, width - 2).lines():
            for cell in row:
                assert cell.text in text


def test_spanish_tables_fit_into_a_narrow_line_and_no_number_is_cut(monkeypatch):
    monkeypatch.setenv("MASTERTRADING_LANG", "es")
    text = printed(render_report(busy(), 80, tr), 80)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "…" not in text
    for table in report_tables(busy(), tr):
        for row in narrowed(table, 78).lines():
            assert [cell.text for cell in row[table.text :] if cell.text not in text] == []


def test_all_columns_are_shown_where_a_hundred_characters_are_enough():
    table = table_of(busy(each=0.01), "instrument")
    text = printed(render_table(table, 100), 100)
    assert all(column.name in text for column in table.columns)


def test_tables_come_in_the_order_people_know():
    titles = [table.title for table in report_tables(busy())]
    order = ("instrument", "combination", "reason", "direction", "session", "module", "summary", "costs")
    assert titles[: len(order)] == [texts.TITLES[name] for name in order]


def test_the_summary_shows_the_figures_of_the_statistics():
    whole = busy()
    shown = {name: values[0] for name, values in cells(table_of(whole, "summary")).items()}
    metric = texts.METRICS
    assert shown[metric["final"]] == f"{whole.money.final_atoms / UNIT:,.2f} USDT"
    assert shown[metric["total"]] == f"{whole.returns.total * 100:,.2f} %"
    assert shown[metric["drawdown"]].startswith(f"{whole.drawdown.frac * 100:.2f} %")
    assert shown[metric["sharpe"]] == f"{whole.returns.sharpe:.2f}"
    assert shown[metric["trades"]] == f"40 / {40 / 3:.1f}"
    assert shown[metric["factor"]] == f"{whole.trades.profit_factor:.2f}"
    assert shown[metric["refusals"]] == "197,530"


def test_the_last_line_of_a_breakdown_is_the_whole():
    whole = busy()
    for name in ("instrument", "combination", "reason", "direction", "session", "module"):
        total = table_of(whole, name).total
        assert total is not None
        assert total[1].text == "40"
        assert total[3].text == texts.money(whole.trades.net_atoms)


def test_costs_show_where_the_money_went():
    shown = cells(table_of(busy(), "costs"))
    assert shown[texts.COSTS["fees"]][0] == "50.00"
    assert shown[texts.COSTS["funding"]] == ["20.00", "0.20", "0.5000"]


def test_the_assumption_about_the_path_is_printed_with_its_worth():
    table = table_of(busy(), "path")
    shown = cells(table)
    assert table.note == "6 of 40 trades had a bar that reached both."
    assert shown[texts.PATHS["worst"]][0] == "345.00"
    assert shown[texts.PATHS["range"]][0] == "8,999,655.00"


def test_a_run_under_one_path_says_that_the_others_were_not_computed():
    table = table_of(statistics(make_result(Deal(1))), "path")
    assert cells(table)[texts.PATHS["range"]][0] == texts.PATHS["not_run"]
    assert table.note == "No bar of a trade reached both."


def test_a_note_is_printed_whole_under_its_table():
    said = " ".join(printed(render_table(table_of(busy(), "summary"), 80), 80).split())
    assert texts.NOTES["summary"] in said


def test_a_run_without_trades_shows_no_empty_breakdown():
    titles = [table.title for table in report_tables(busy(0))]
    assert titles == [
        texts.TITLES[name] for name in ("summary", "fires", "module_gates", "funnel", "identity")
    ]


def test_a_run_of_ones_own_forecasts_shows_nothing_of_modules_it_did_not_ask():
    result = make_result(Deal(1), modules=("user",), funnel=Funnel.empty(2, 1))
    titles = [table.title for table in report_tables(statistics(result))]
    absent = {texts.TITLES[name] for name in ("combination", "module", "module_gates")}
    assert absent & set(titles) == set()
    assert texts.TITLES["fires"] in titles


def test_a_run_says_whose_bars_it_traded():
    whole = statistics(make_result(source="binance_usdm"))
    assert whole.as_dict()["run"]["source"] == "binance_usdm"
    assert cells(table_of(whole, "identity"))["Bars from"] == ["binance_usdm"]


def test_months_are_told_on_the_basis_of_the_equity():
    """A position held over the end of a month counts where its mark moved, and a deposit counts nowhere."""
    day = 1440
    points = [(5 * day, 10_300.0), (6 * day, 10_400.0), (7 * day, 11_100.0)]
    scene = Scene([Deal(100, minutes=6 * day + 60)], points, [(6 * day + 30, 1000.0)], minutes=7 * day)
    whole = statistics(make_result(scene=scene))
    assert [month.name for month in whole.months] == ["2025-05", "2025-06"]
    assert [month.equity_atoms for month in whole.months] == [400 * UNIT, -300 * UNIT]
    assert [month.net_atoms for month in whole.months] == [0, 100 * UNIT]
    assert cells(table_of(whole, "month")) == {
        "2025-05": ["0", "400.00", "4.00"],
        "2025-06": ["1", "-300.00", "-2.63"],
    }


@pytest.mark.parametrize(
    ("breaker", "value", "shown"),
    [(Breaker.DAY, 0.0512, "5.12 %"), (Breaker.PEAK, 0.2, "20.00 %"), (Breaker.LOSSES, 4.0, "4")],
)
def test_a_breaker_is_shown_with_what_it_watches(breaker, value, shown):
    events = records(EVENT, 1)
    events["ts_ms"], events["kind"], events["subject"] = MONDAY_MS, EventKind.BREAKER_TRIPPED, breaker
    events["value"] = value
    row = table_of(statistics(make_result(events=events)), "events").rows[0]
    assert (row[2].text, row[4].text) == (breaker.name.lower(), shown)


def test_a_refused_withdrawal_is_shown_as_money_and_moves_none():
    events = records(EVENT, 1)
    events["ts_ms"], events["kind"], events["value"] = MONDAY_MS, EventKind.TRANSFER_REFUSED, -2e12
    whole = statistics(make_result(events=events))
    assert [cell.text for cell in table_of(whole, "events").rows[0][1:]] == [
        "transfer_refused",
        "account",
        "normal",
        "-20,000.00",
    ]
    assert whole.money.transferred_atoms == 0


def test_directions_are_told_in_the_language_of_the_reader():
    spanish = {"long": "largo", "short": "corto"}
    tables = report_tables(busy(), lambda sentence: spanish.get(sentence, sentence))
    names = {row[0].text for table in tables for row in table.rows}
    assert names >= {"largo", "corto", "all, largo", "all, corto"}
    assert names.isdisjoint({"long", "short"})


def test_gains_are_good_news_and_losses_bad():
    rows = {
        row[0].text: row
        for row in table_of(statistics(make_result(Deal(5), Deal(-7, side=-1))), "direction").rows
    }
    assert rows["long"][3].tone == "good"
    assert rows["short"][3].tone == "bad"
    text = Console(width=100, file=io.StringIO(), force_terminal=True, color_system="standard")
    text.print(render_table(table_of(busy(), "direction"), 100))
    assert "\x1b[32m" in text.file.getvalue()


def test_a_long_history_of_events_is_cut_with_a_count():
    events = records(EVENT, 25)
    events["ts_ms"], events["kind"] = MONDAY_MS, EventKind.BREAKER_TRIPPED
    rows = table_of(statistics(make_result(events=events)), "events").rows
    assert len(rows) == 21
    assert rows[-1][0].text == "… + 5"


def test_a_transfer_is_shown_as_money():
    whole = statistics(make_result(scene=Scene(transfers=[(100, -1500.0)])))
    assert [cell.text for cell in table_of(whole, "events").rows[0][1:]] == [
        "transfer",
        "account",
        "normal",
        "-1,500.00",
    ]


def test_titles_headers_and_verdict_pass_through_the_translator():
    def quoted(sentence: str) -> str:
        return f"«{sentence}»"

    tables = report_tables(busy(), quoted)
    assert all(table.title.startswith("«") for table in tables)
    assert "«Trades»" in [column.name for column in tables[0].columns]
    assert verdict(statistics(make_result(Deal(1))), quoted).startswith("«Too few trades to say anything: 1,")


def test_a_narrow_table_loses_its_least_important_columns_first():
    columns = (Column("name"), Column("aaaaaaaaaa", 1), Column("bbbbbbbbbb", 2), Column("c"))
    table = Table("t", columns, (tuple(plain("1") for _ in columns),))
    assert [c.name for c in narrowed(table, 60).columns] == ["name", "aaaaaaaaaa", "bbbbbbbbbb", "c"]
    assert [c.name for c in narrowed(table, 25).columns] == ["name", "aaaaaaaaaa", "c"]
    assert [c.name for c in narrowed(table, 2).columns] == ["name", "c"]


# ---------------------------------------------------------------- the verdict


def deals(net: list[float], gross: float = 0.0) -> list[Deal]:
    return [Deal(gross=value + gross, fees=gross, opened_min=40 * k) for k, value in enumerate(net)]


def said(*rows: Deal, **changes: object) -> str:
    return verdict(statistics(make_result(*rows, **changes)))


def test_a_handful_of_trades_is_called_too_few():
    assert said(*deals([100.0] * 29)).startswith("Too few trades")


def test_a_run_that_costs_turn_into_a_loss_is_told_so():
    assert said(*deals([-1.0] * 30, gross=3.0)) == (
        "It earns before costs and loses after them: gross 60.00, costs 90.00, net -30.00 USDT."
    )


def test_a_run_that_loses_before_costs_is_told_so():
    assert said(*deals([-5.0] * 30, gross=1.0)).startswith("It loses before costs too")


def test_a_profit_of_two_trades_is_fragile():
    assert said(*deals([100.0, 100.0] + [1.0, -1.0] * 15)).startswith("Fragile: two trades made 100 %")


def test_a_profit_within_noise_is_told_in_standard_errors():
    assert "standard errors from zero" in said(*deals([10.0, -9.0] * 40))


def test_a_profit_that_hangs_on_the_path_is_told_first():
    paths = {"best": 200 * UNIT, "worst": -UNIT}
    assert "worst path inside the bars it is -1.00 USDT" in said(*deals([3.0, 1.0] * 30), paths=paths)


def test_a_steady_profit_is_still_only_one_window():
    assert "out of sample" in said(*deals([3.0, 1.0] * 30))


def test_no_trade_names_the_gate_that_refused_most():
    result = make_result()
    result.funnel.gate_first[:, Gate.FLAT] = 1000
    assert verdict(statistics(result)).startswith("No trade: the modules never wished")
    result.funnel.gate_first[0, Gate.SESSION] = 1234
    assert (
        verdict(statistics(result))
        == "No trade: once there was a wish, the gate that refused most often was session, in 1,234 decisions."
    )


def test_no_trade_because_no_module_was_ever_warm_says_how_long_they_need():
    result = make_result()
    result.funnel.gate_first[:, Gate.FLAT] = 1000
    result.funnel.module_asked[:, :3, TrendGate.WARM_UP] = 1000
    result.funnel.module_asked[:, 3, SmcGate.DATA] = 1000
    assert verdict(statistics(result)) == (
        "No trade: warm-up took the whole window. The modules need 4d 04:00 of bars before they speak."
    )
    result.funnel.module_passed[1, 2, CarryGate.WARM_UP] = 1
    assert verdict(statistics(result)).startswith("No trade: the modules never wished")


def test_a_liquidation_is_told_before_anything_else():
    events = records(EVENT, 1)
    events["ts_ms"], events["kind"] = MONDAY_MS, EventKind.LIQUIDATION
    assert said(*deals([3.0] * 40), events=events).startswith("The account was liquidated 1 times")


# ---------------------------------------------------------------- numbers


def test_numbers_are_written_for_people():
    assert texts.money(-123_456_789_012) == "-1,234.57"
    assert texts.money(-1) == "0.00"
    assert texts.percent(0.12345) == "12.35"
    assert texts.percent(None) == texts.NONE
    assert texts.duration(59 * 60_000) == "00:59"
    assert texts.duration((25 * 60 + 5) * 60_000) == "1d 01:05"
    assert texts.moment(MONDAY_MS) == "2025-05-26 00:00"
    assert texts.money(INITIAL) == "10,000.00"
