"""Bad input through the public command line: a clear error, the right exit code, nothing half-written."""

from __future__ import annotations

import errno
import os
import sys

import polars as pl
import pytest

from mastertrading.app.cli import main
from mastertrading.backtest import folder as run_folder
from scenario.bad_input import MINUTES, START_MS, copy_of, fails, rewrite, start, tree

BACKTEST = ("backtest", "--one-path", "--instruments", "BTC,ETH")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """One day of two instruments; never changed."""
    folder = tmp_path_factory.mktemp("made")
    assert (
        main(["data", "synth", "--instruments", "BTC,ETH", "--days", "1", "--out", str(folder), "--json"])
        == 0
    )
    return folder


@pytest.fixture
def lake(made, tmp_path):
    """A copy to damage."""
    return copy_of(made, tmp_path)


@pytest.fixture
def refused(capsys, tmp_path, made):
    """Run a backtest that has to fail and may leave nothing; the market is in order unless told otherwise."""

    def run(*words, data=made):
        return fails(capsys, tmp_path, *BACKTEST, "--data", data, "--out", tmp_path / "runs/one", *words)

    yield run
    assert not (tmp_path / "runs").exists()


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("risk.per_trad=0.001", ("risk.per_trad", "did you mean risk.per_trade?")),
        ("sed=3", ("did you mean seed?",)),
        ("risk.per_trade=0.5", ("at most 0.05",)),
        ("risk.per_trade=-1", ("more than 0",)),
        ("risk.per_trade=nan", ("risk.per_trade", "at most 0.05")),
        ("risk.per_trade=much", ("wrong kind", "a number")),
        ("data.views.ltf=open", ("one of forming, closed",)),
        ("risk.volatility.calm=0.02", ("calm must be below wild",)),
        ("instruments.BTC.tier=huge", ("instruments.BTCUSDT.tier", "risk.tiers")),
        ("risk.per_trade", ("an equals sign",)),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_with_what_is_allowed(refused, given, parts):
    failure = refused("--set", given)
    assert failure.code == 2
    assert "where: command line" in failure.said
    assert "try: " in failure.said
    assert all(part in failure.said for part in parts), failure.said


def test_a_misspelt_setting_of_the_file_is_told_with_its_line(refused, tmp_path):
    (tmp_path / "my.toml").write_text("[risk]\n\nper_trad = 0.001\n")
    failure = refused("--config", tmp_path / "my.toml")
    assert failure.code == 2
    assert "did you mean risk.per_trade?" in failure.said
    assert "my.toml, line 3" in failure.said


def test_a_misspelt_setting_of_the_environment_is_told_with_its_name(refused, monkeypatch):
    monkeypatch.setenv("MASTERTRADING__RISK__PER_TRAD", "0.001")
    failure = refused()
    assert failure.code == 2
    assert "did you mean MASTERTRADING__RISK__PER_TRADE?" in failure.said
    assert "environment MASTERTRADING__RISK__PER_TRAD" in failure.said


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"[risk\n", "line 1"), (b"\x89PNG\r\n\xff\xfe", "not UTF-8"), (None, "No such file")],
)
def test_a_settings_file_that_is_none_is_refused(refused, tmp_path, content, part):
    if content is not None:
        (tmp_path / "my.toml").write_bytes(content)
    failure = refused("--config", tmp_path / "my.toml")
    assert failure.code == 2
    assert part in failure.said
    assert "my.toml" in failure.said


def test_a_transfer_of_no_amount_at_no_time_is_refused_before_anything_runs(refused):
    failure = refused("--set", 'account.transfers=[{"at": "soon", "amount": Infinity}]')
    assert failure.code == 2
    assert "'soon' is not a time" in failure.said
    assert "amount: it must be a finite number" in failure.said


# ---------------------------------------------------------------- what is asked for


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (["--instruments", "LTC"], 1, ("no 1m bars of LTCUSDT are in", "try: --instruments BTC,ETH")),
        (["--instruments", "BTC/USDT/X/?"], 2, ("--instruments",)),
        (["--from", "2030-01-01"], 1, ("there are no bars from 2030-01-01", "2024-01-01 00:00 … 2024-01-02")),
        (["--to", "2001-01-01"], 1, ("there are no bars from … to 2001-01-01", "choose --from and --to")),
        (["--from", "2024-01-02", "--to", "2024-01-01"], 2, ("the window is empty", "swap")),
        (["--from", "soon"], 2, ("'soon' is not a date",)),
        (["--venue", "nowhere"], 1, ("no venue 'nowhere'", "there is: synthetic")),
        (["--dat", "x"], 2, ("there is no option --dat; did you mean --data?",)),
        (["--synthetic"], 2, ("choose one of --data and --synthetic",)),
        (["--seed", "-1"], 2, ("--seed",)),
    ],
)
def test_what_is_not_there_is_told_with_what_is(refused, words, code, parts):
    failure = refused(*words)
    assert failure.code == code
    assert all(part in failure.said for part in parts), failure.said


def test_a_folder_that_is_not_there_or_a_file_in_its_place_is_told(refused, tmp_path):
    assert "there is no such folder" in refused(data=tmp_path / "nowhere").said
    (tmp_path / "file").write_text("x")
    assert "it is a file" in refused(data=tmp_path / "file").said


# ---------------------------------------------------------------- bars and funding


def at(row, name, value):
    """Set one value of one row."""
    return lambda frame: frame.with_columns(
        pl.when(pl.int_range(pl.len()) == row).then(value).otherwise(pl.col(name)).alias(name)
    )


DAMAGE = {
    "unsorted": (lambda frame: pl.concat([frame[:10], frame[20:30], frame[10:20], frame[30:]]), "unsorted"),
    "repeated": (lambda frame: pl.concat([frame[:11], frame[10:]]), "duplicate"),
    "contradicting": (
        lambda frame: pl.concat([frame[:11], frame[10:11].with_columns(pl.col("volume") + 1), frame[11:]]),
        "conflict",
    ),
    "not a number": (at(50, "close", float("nan")), "not_finite"),
    "infinite": (at(50, "volume", float("inf")), "not_finite"),
    "negative": (at(50, "low", -1.0), "not_positive"),
    "high below low": (at(50, "high", 1.0), "high_below_low"),
    "off the grid": (at(50, "ts", START_MS + 50 * 60_000 + 7), "off_grid"),
    "full of holes": (lambda frame: pl.concat([frame[:300], frame[500:]]), "gap"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_bars_that_are_not_right_are_never_used_silently(refused, lake, damage):
    change, kind = DAMAGE[damage]
    rewrite(lake / MINUTES, change)
    failure = refused(data=lake)
    assert failure.code == 1
    assert "BTCUSDT is graded D, worse than data.worst_grade = C" in failure.said
    assert f"why: {kind}" in failure.said
    assert "where: " in failure.said
    assert ("--set data.worst_grade=D" if kind == "gap" else "data import") in failure.said


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_check_tells_what_is_wrong_and_says_no(capsys, lake, damage):
    change, kind = DAMAGE[damage]
    rewrite(lake / MINUTES, change)
    assert main(["data", "check", "--data", str(lake), "--json"]) == 4
    assert f'"kind": "{kind}"' in capsys.readouterr().out


def test_bars_that_are_not_right_are_quarantined_by_an_import(capsys, lake, tmp_path):
    rewrite(lake / MINUTES, DAMAGE["negative"][0])
    assert main(["data", "import", str(lake), "--data", str(tmp_path / "clean"), "--json"]) == 0
    kept = pl.read_parquet(tmp_path / "clean/synthetic/1m/BTCUSDT-1m.quarantine.parquet")
    assert kept["reason"].to_list() == ["not_positive"]


def test_funding_with_a_hole_is_refused(refused, lake):
    path = lake / "synthetic/funding/BTCUSDT-funding.parquet"
    hole = START_MS + 8 * 3_600_000
    rewrite(path, lambda frame: frame.filter(pl.col("ts") != hole))
    failure = refused(data=lake)
    assert failure.code == 1
    assert "funding_gap: settlements are missing inside the window" in failure.said


def test_funding_that_goes_back_in_time_is_refused(refused, lake):
    rewrite(lake / "synthetic/funding/BTCUSDT-funding.parquet", lambda frame: frame.reverse())
    failure = refused(data=lake)
    assert failure.code == 1
    assert "not in order of time" in failure.said


def test_missing_funding_is_refused_where_grade_c_is_not_allowed(refused, lake):
    (lake / "synthetic/funding/BTCUSDT-funding.parquet").unlink()
    failure = refused("--set", "data.worst_grade=B", data=lake)
    assert failure.code == 1
    assert "funding_none: no funding is recorded" in failure.said


# ---------------------------------------------------------------- files that are not what they say

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00"
CSV = b"ts,open,high,low,close,volume\n1704067200000,1,1,1,1,1\n"
IMPOSTORS = {
    "a CSV named .parquet": ("BTCUSDT-1m.parquet", CSV),
    "a picture named .csv": ("BTCUSDT-1m.csv", PNG),
    "an empty file": ("BTCUSDT-1m.csv", b""),
    "a zip that is none": ("BTCUSDT-1m.zip", b"PK\x03\x04 and no more"),
    "a table without prices": ("BTCUSDT-1m.csv", b"a,b\n1,2\n"),
    "hours named minutes": (
        "BTCUSDT-1m.csv",
        b"ts,open,high,low,close\n"
        + b"".join(b"%d,1,1,1,1\n" % (START_MS + 3_600_000 * k) for k in range(20)),
    ),
}


@pytest.mark.parametrize("kind", IMPOSTORS)
def test_a_file_that_is_not_what_its_name_says_is_not_imported(capsys, tmp_path, kind):
    name, content = IMPOSTORS[kind]
    (tmp_path / name).write_bytes(content)
    failure = fails(capsys, tmp_path, "data", "import", tmp_path / name, "--data", tmp_path / "lake")
    assert failure.code == 1
    assert f"{name} can't be read as market data why: " in failure.said
    assert f"where: {tmp_path / name}" in failure.said
    assert "try: " in failure.said
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize("content", [b"", CSV, PNG, None], ids=["empty", "csv", "picture", "cut short"])
def test_a_series_of_the_lake_that_is_no_parquet_is_refused(refused, lake, content):
    path = lake / MINUTES
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    failure = refused(data=lake)
    assert failure.code == 1
    assert "can't be read as Parquet" in failure.said
    assert f"where: {path}" in failure.said


# ---------------------------------------------------------------- files of the user's own

HEAD = "ts,instrument,forecast\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ts,instrument\n1,BTC\n", "it has no column forecast"),
        (HEAD, "it has no rows"),
        ("", "it is empty"),
        (f"{HEAD}{START_MS},BTC,0.5\n{START_MS},BTC,1.5\n", "row 2: forecast 1.5 is not within [-1, 1]"),
        (f"{HEAD}{START_MS},BTC,nan\n", "row 1: forecast nan is not a number"),
        (f"{HEAD}{START_MS},BTC,0.5\n{START_MS},ETH,\n", "row 2: forecast without a value is not a number"),
        (f"{HEAD}{START_MS},BTC,0.5\n{START_MS},BTCUSDT,0.5\n", "row 2: a second forecast for BTCUSDT"),
        (f"{HEAD}{START_MS // 1000},BTC,0.5\n", "it looks like seconds"),
        (f"{HEAD}{START_MS * 1000},BTC,0.5\n", "it looks like microseconds"),
        (f"{HEAD}2024-01-01,BTC,0.5\n", "row 1: ts 2024-01-01 is not a time in milliseconds"),
        (f"{HEAD}{START_MS},,0.5\n", "row 1: there is no instrument"),
        (f"{HEAD}{START_MS},LTC,0.5\n", "it trades BTCUSDT, ETHUSDT"),
        (f"{HEAD}{START_MS - 86_400_000},BTC,0.5\n", "they are from 2023-12-31 00:00 to 2023-12-31 00:00"),
    ],
)
def test_forecasts_that_could_be_misread_are_refused_with_the_row(refused, tmp_path, text, why):
    (tmp_path / "mine.csv").write_text(text)
    failure = refused("--signals", tmp_path / "mine.csv")
    assert failure.code == 1
    assert f"why: {why}" in failure.said or why in failure.said
    assert f"where: {tmp_path / 'mine.csv'}" in failure.said
    assert "try: " in failure.said


@pytest.mark.parametrize(("name", "content"), [("mine.parquet", HEAD.encode()), ("mine.csv", PNG), ("", b"")])
def test_a_file_of_forecasts_that_is_something_else_is_refused(refused, tmp_path, name, content):
    if name:
        (tmp_path / name).write_bytes(content)
    failure = refused("--signals", tmp_path / name)
    assert failure.code == 1
    assert f"where: {tmp_path / name}" in failure.said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ts_ms,name,impact\n1,CPI,high\n", "it has no column currency"),
        (
            "ts_ms,name,impact,currency\nsoon,CPI,high,USD\n",
            "row 1: ts_ms soon is not a time in milliseconds",
        ),
        (f"ts_ms,name,impact,currency\n{START_MS // 1000},CPI,high,USD\n", "it looks like seconds"),
        ("", "it is empty"),
    ],
)
def test_a_calendar_that_could_be_misread_is_refused(refused, tmp_path, text, why):
    (tmp_path / "events.csv").write_text(text)
    failure = refused("--set", f"risk.gates.macro.calendar={tmp_path / 'events.csv'}")
    assert failure.code == 1
    assert why in failure.said
    assert "events.csv" in failure.said


def test_a_calendar_that_is_over_is_refused_where_that_is_asked_for(refused, tmp_path):
    (tmp_path / "events.csv").write_text(f"ts_ms,name,impact,currency\n{START_MS - 1},CPI,high,USD\n")
    calendar = ("--set", f"risk.gates.macro.calendar={tmp_path / 'events.csv'}")
    failure = refused(*calendar, "--set", "risk.gates.macro.past_calendar=refuse")
    assert failure.code == 2
    assert "the macro calendar has run out" in failure.said


# ---------------------------------------------------------------- places that cannot be written


@pytest.fixture
def unwritten(capsys, tmp_path, made):
    def run(out):
        return fails(capsys, tmp_path, *BACKTEST, "--data", made, "--out", out)

    return run


def test_a_file_where_the_folder_should_be_is_left_alone(unwritten, tmp_path):
    (tmp_path / "one").write_text("mine")
    failure = unwritten(tmp_path / "one")
    assert failure.code == 1
    assert "cannot take the results why: it is a file" in failure.said
    assert "try: choose another folder with --out" in failure.said


def test_a_folder_with_files_of_others_is_left_alone(unwritten, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one/thesis.txt").write_text("mine")
    failure = unwritten(tmp_path / "one")
    assert failure.code == 1
    assert "it holds thesis.txt, which no run has written" in failure.said


def test_a_parent_that_is_a_file_is_told(unwritten, tmp_path):
    (tmp_path / "one").write_text("mine")
    assert "cannot be written" in unwritten(tmp_path / "one/two").said


@pytest.mark.skipif(os.name == "nt", reason="folders of Windows have no such flag")
def test_a_folder_that_is_read_only_is_told(unwritten, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    if os.access(tmp_path / "locked", os.W_OK):
        pytest.skip("nothing is unwritable for root")
    failure = unwritten(tmp_path / "locked/one")
    assert failure.code == 1
    assert "Permission denied" in failure.said


@pytest.mark.parametrize("writer", ["write_decisions", "write_result"])
def test_a_disk_that_fills_up_while_results_are_written_leaves_nothing(refused, monkeypatch, writer):
    def full(self, *given, **named):
        with self._writing():
            self.path("trades.parquet").write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(run_folder.RunFolder, writer, full)
    failure = refused()
    assert failure.code == 1
    assert "the results cannot be written to" in failure.said
    assert os.strerror(errno.ENOSPC) in failure.said
    assert "make room on the disk" in failure.said


LIMITED = """
import resource, sys
from mastertrading.app import cli
from mastertrading.backtest.folder import RunFolder
enter = RunFolder.__enter__
def limited(self):
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
    return enter(self)
RunFolder.__enter__ = limited
sys.exit(cli.main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sets a POSIX limit")
def test_a_file_that_may_not_grow_is_told_by_the_real_system(tmp_path, made):
    words = [*BACKTEST, "--data", made, "--out", tmp_path / "runs/one"]
    with start(["-c", LIMITED, *map(str, words)]) as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the results cannot be written to" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_told(tmp_path):
    with start(
        [
            "-c",
            "import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
            "from mastertrading.app.cli import main; sys.exit(main(['config', 'show']))",
        ]
    ) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines() == ["the system refused to go on", "why: No space left on device"]


def test_a_lake_in_the_place_of_a_file_is_told(capsys, made, tmp_path):
    (tmp_path / "lake").write_text("mine")
    failure = fails(capsys, tmp_path, "data", "import", made, "--data", tmp_path / "lake")
    assert failure.code == 1
    assert "can't be written" in failure.said
    assert "try: " in failure.said


def test_a_good_run_leaves_its_folder_and_nothing_else(made, tmp_path):
    words = [*BACKTEST, "--data", made, "--out", tmp_path / "runs/one", "--json"]
    assert main([str(word) for word in words]) == 0
    assert {name.split("/")[0] for name in tree(tmp_path / "runs")} == {"one"}
