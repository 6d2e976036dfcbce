"""A journal gives the tables of a backtest of the same bars, and the same answers."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from mastertrading.app.cli import main
from mastertrading.backtest.explain import explain
from mastertrading.backtest.explain_counts import summarise
from mastertrading.backtest.explain_run import Recorded, open_run
from mastertrading.backtest.explain_trade import story
from mastertrading.backtest.statistics import statistics
from mastertrading.domain.errors import DataMissing

NOT_IN_A_JOURNAL = ("best_r", "worst_r", "ambiguous")


@pytest.fixture
def recorded(source):
    return Recorded(source)


@pytest.fixture
def run(lived):
    return open_run(lived.run)


def asked(capsys, *words, code=0):
    assert main([str(word) for word in words]) == code
    told = capsys.readouterr()
    return told.out if code == 0 else told.err


def test_every_decision_is_the_one_of_the_backtest(recorded, run):
    ours = recorded.decisions(recorded.instruments, recorded.first_ms, recorded.last_ms)
    theirs = run.decisions(run.instruments, run.first_ms, run.last_ms)
    assert ours.height == theirs.height > 800
    for name in theirs.columns:
        assert ours[name].to_list() == theirs[name].to_list(), name


def test_every_trade_fill_and_stop_is_the_one_of_the_backtest(recorded, run):
    last = run.last_ms
    for name in ("trades", "fills", "stops", "funding"):
        key = "closed_ms" if name == "trades" else "ts_ms"
        ours = [row for row in recorded.rows(name) if row[key] < last]
        theirs = [row for row in run.rows(name) if row[key] < last]
        numbers = [{k: v for k, v in row.items() if k not in NOT_IN_A_JOURNAL} for row in ours]
        wanted = [{k: v for k, v in row.items() if k not in NOT_IN_A_JOURNAL} for row in theirs]
        order = sorted(map(repr, numbers)), sorted(map(repr, wanted))
        assert order[0] == order[1], name
    assert len([row for row in run.rows("trades") if row["closed_ms"] < last]) > 1


def test_the_chain_of_every_kind_of_minute_is_the_one_of_the_backtest(recorded, run):
    frame = run.decisions(run.instruments, run.first_ms, run.last_ms - 60_000)
    kinds = frame.unique(["first_refusal", "side", "exit_reason"], keep="last", maintain_order=True)
    assert kinds.height > 5
    for row in kinds.to_dicts():
        ours = asdict(explain(recorded, row["instrument"], row["ts_ms"]))
        theirs = asdict(explain(run, row["instrument"], row["ts_ms"]))
        if theirs["closed"] is not None and theirs["closed"]["reason"] == "end_of_data":
            ours["closed"] = theirs["closed"] = None
        assert {**ours, "run_id": ""} == {**theirs, "run_id": ""}


def test_the_funnel_is_the_one_that_the_backtest_counted(recorded, run):
    ours, theirs = summarise(recorded, run.instruments), summarise(run, run.instruments)
    assert set(ours.counts) == set(theirs.counts)


def test_the_story_of_a_trade_is_told_from_the_journal(recorded, run):
    first = next(row["trade_id"] for row in run.rows("trades") if row["closed_ms"] < run.last_ms)
    ours, theirs = story(recorded, first), story(run, first)
    assert ours.happened == theirs.happened
    assert ours.initial_stop_px == theirs.initial_stop_px


def test_statistics_of_the_account_are_those_of_its_closed_trades(source, recorded):
    result = source.books.result()
    measured = statistics(result)
    closed = [row for row in recorded.rows("trades") if row["exit_reason"] is not None]
    assert measured.trades.trades == len(closed)
    assert measured.trades.net_atoms == sum(row["net_atoms"] for row in closed)
    assert result.unexplained_atoms == 0
    still = sum(row["net_atoms"] for row in recorded.rows("trades") if row["exit_reason"] is None)
    assert measured.money.net_atoms == measured.trades.net_atoms + still


def test_a_moment_outside_of_the_account_is_refused_with_its_span(recorded):
    with pytest.raises(DataMissing, match="decided nothing"):
        recorded.minute_of(recorded.last_ms + 60_001)


# ---------------------------------------------------------------- from the command line


def test_why_tells_what_was_sent_for_a_decision_and_how_it_went(capsys, lived, run):
    entry = next(row for row in run.rows("fills") if row["reason"] == "entry")
    words = ("why", entry["instrument"], "--at", entry["ts_ms"], "--run", lived.folder)
    told = json.loads(asked(capsys, *words, "--json"))
    assert told["order"]["outcome"] == "filled"
    (sent,) = [one for one in told["around"]["sent"] if one["purpose"] == "entry"]
    assert [step["state"] for step in sent["steps"]] == ["prepared", "sent", "ack", "filled"]
    shown = asked(capsys, *words)
    assert "Sent to the venue" in shown
    assert "prepared → sent → ack → filled" in shown
    assert "account paper:paper:me" in shown


def test_a_journal_is_named_by_folder_file_or_address(capsys, lived, monkeypatch, tmp_path):
    file = lived.folder / "journal.db"
    places = (lived.folder, file, f"sqlite:///{file}")
    told = [asked(capsys, "trades", "--journal", place, "--json") for place in places]
    assert told[0] == told[1] == told[2]
    monkeypatch.setenv("MASTERTRADING_JOURNAL", str(file))
    monkeypatch.chdir(tmp_path)
    assert asked(capsys, "trades", "--json") == told[0]


def test_run_and_journal_together_are_refused(capsys, lived):
    words = ("trades", "--run", lived.run, "--journal", lived.folder)
    assert "choose one of --run and --journal" in asked(capsys, *words, code=2)


def test_trades_have_the_same_columns_of_an_account_and_of_a_run(capsys, lived):
    ours = asked(capsys, "trades", "--run", lived.folder, "--csv").splitlines()
    theirs = asked(capsys, "trades", "--run", lived.run, "--csv").splitlines()
    assert ours[0] == theirs[0]
    assert len(ours) == len(theirs)


def test_open_positions_are_told_with_the_stop_that_rests(capsys, lived, run):
    told = json.loads(asked(capsys, "trades", "--run", lived.folder, "--json"))
    ended = [row for row in run.rows("trades") if row["exit_reason"] == "end_of_data"]
    assert {one["trade_id"] for one in told["open"]} == {row["trade_id"] for row in ended}
    for one in told["open"]:
        rests = [row["stop_px"] for row in run.rows("stops") if row["trade_id"] == one["trade_id"]]
        assert [float(px) for px in one["stops"]] == rests[-1:]
    text = asked(capsys, "trades", "--run", lived.folder)
    assert "Open positions" in text
    assert "Stop at the venue" in text


def test_a_window_of_trades_is_of_those_that_closed_in_it(capsys, lived, run):
    closed = sorted(row["closed_ms"] for row in run.rows("trades"))
    told = json.loads(asked(capsys, "trades", "--run", lived.run, "--to", "2024-01-01T16:00", "--json"))
    assert len(told["trades"]) == sum(ms < 1_704_124_800_000 for ms in closed)


def test_performance_of_an_account_and_of_a_run_stand_in_the_same_tables(capsys, lived):
    ours, theirs = (asked(capsys, "performance", "--run", one) for one in (lived.folder, lived.run))
    for title in ("Instruments", "Close reasons", "Sessions of the entry (UTC)", "Days", "Costs", "Summary"):
        assert title in ours
        assert title in theirs
    assert "Refused entries" not in ours
    assert "Open positions" in ours


def test_statistics_come_back_from_a_summary_as_they_were_written(lived):
    from mastertrading.backtest.folder import read_run
    from mastertrading.backtest.reading import statistics_of

    summary = read_run(lived.run).summary
    again = json.loads(json.dumps(statistics_of(summary).as_dict()))
    assert again == {name: value for name, value in summary.items() if name in again}


def test_reading_changes_nothing_in_the_journal(capsys, lived):
    file = lived.folder / "journal.db"
    before = file.read_bytes()
    for words in (("trades",), ("performance",), ("why", "--summary"), ("why", "--trade", 1)):
        asked(capsys, *words, "--journal", lived.folder)
    assert file.read_bytes() == before
