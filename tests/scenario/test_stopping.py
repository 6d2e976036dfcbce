"""Ctrl-C, kill and a reader that goes away, in real processes: at any moment, kindly and with nothing half-written."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from mastertrading.app.cli import main
from scenario.bad_input import PAUSE, ended, start, stopped_where_it_stands, tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")

SYNTHETIC = ["backtest", "--synthetic", "--one-path", "--instruments", "BTC,ETH", "--days", "1"]
RESULTS = "from mastertrading.backtest.folder import RunFolder\n"
MOMENTS = {
    "loading": "from mastertrading.app import backtest\npause_after(backtest, 'synthesize')",
    "replaying": RESULTS + "pause_after(RunFolder, 'write_decisions')",
    "writing": RESULTS + "pause_after(RunFolder, '_write_tables')",
    "moving into place": "from mastertrading.backtest import folder\npause_before(folder, '_replace')",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_stops_at_any_moment_and_leaves_nothing(tmp_path, moment, number):
    out = tmp_path / "runs/one"
    stopped = stopped_where_it_stands(MOMENTS[moment], [*SYNTHETIC, "--out", out], number)
    assert stopped.code == 128 + number
    assert stopped.lines[-1] == "stopped; nothing half-written"
    assert "Traceback" not in stopped.said
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_would_replace_an_earlier_one_leaves_that_when_it_is_stopped(tmp_path):
    out = tmp_path / "one"
    assert main([*SYNTHETIC, "--out", str(out), "--json"]) == 0
    before = tree(tmp_path)
    stopped = stopped_where_it_stands(MOMENTS["writing"], [*SYNTHETIC, "--seed", "2", "--out", out])
    assert stopped.code == 130
    assert tree(tmp_path) == before


def test_stopping_while_the_rules_are_compiled_leaves_a_cache_that_works(tmp_path):
    words = ["-m", "mastertrading", *SYNTHETIC, "--out", str(tmp_path / "one")]
    with start(words, MASTERTRADING_CACHE=str(tmp_path / "cache")) as process:
        assert "compiling" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        stopped = ended(process)
    assert stopped.code == 130
    assert stopped.lines == ["stopped; nothing half-written"]
    assert not (tmp_path / "one").exists()
    assert not list((tmp_path / "cache").rglob("warm"))


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.2, 0.4, 0.7])
def test_a_real_run_that_is_stopped_anywhere_is_whole_or_absent(tmp_path, after_s):
    days = ["--days", "20", "--out", str(tmp_path / "runs/one")]
    with start(["-m", "mastertrading", *SYNTHETIC, *days]) as process:
        assert "replaying" in process.stderr.readline()
        with suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
        process.send_signal(signal.SIGINT)
        stopped = ended(process)
    assert "Traceback" not in stopped.said
    if stopped.code == 130:
        assert stopped.lines[-1] == "stopped; nothing half-written"
    else:
        assert stopped.code == 0
    left = [path.name for path in (tmp_path / "runs").glob("*")]
    assert left == ([] if stopped.code else ["one"]) or (left == ["one"] and is_whole(tmp_path / "runs/one"))


def is_whole(folder):
    return {"summary.json", "trades.parquet", "decisions.parquet"} <= {path.name for path in folder.iterdir()}


def test_pressing_ctrl_c_again_and_again_changes_nothing(tmp_path):
    slow = "from mastertrading.backtest import folder\npause_before(folder, '_clear')\n"
    words = [*SYNTHETIC, "--out", str(tmp_path / "one")]
    with start(["-c", PAUSE + slow + MOMENTS["writing"] + "\nsys.exit(cli.main())", *words]) as process:
        assert process.stdout.readline() == "paused\n"  # written
        process.send_signal(signal.SIGINT)
        process.stdin.write("\n")  # Polars restarts a system call that a signal has interrupted
        process.stdin.flush()
        assert process.stdout.readline() == "paused\n"  # about to remove it
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        stopped = ended(process)
    assert stopped.code == 130
    assert stopped.lines[-1] == "stopped; nothing half-written"
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next_one_into_the_same_place(tmp_path):
    out = tmp_path / "one"
    words = [*SYNTHETIC, "--out", str(out)]
    killed = stopped_where_it_stands(MOMENTS["writing"], words, signal.SIGKILL)
    assert killed.code == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".one.part-")
    assert main([*words, "--json"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_an_import_that_is_stopped_leaves_whole_series_and_no_lock(tmp_path):
    assert (
        main(["data", "synth", "--instruments", "BTC,ETH", "--days", "1", "--out", str(tmp_path / "a")]) == 0
    )
    pause = "from mastertrading.lake import store\npause_before(store, 'write_frame')"
    words = ["data", "import", tmp_path / "a", "--data", tmp_path / "b"]
    stopped = stopped_where_it_stands(pause, words)
    assert stopped.code == 130
    assert tree(tmp_path / "b") == {}
    assert main([str(word) for word in words]) == 0
    assert (tmp_path / "b/synthetic/manifest.json").is_file()


def test_a_stop_that_a_callback_swallows_is_not_lost(tmp_path):
    text = """
import sys, time
from types import ModuleType
from mastertrading.app import cli
act = ModuleType("act")
act.SUMMARY, act.configure = "act", lambda parser: None
class Dying:
    def __del__(self):
        print("dying", flush=True)
        sys.stdin.readline()
def run(args):
    thing = Dying()
    del thing
    print("going on", flush=True)
    sys.stdin.readline()
act.run = run
sys.modules["act"] = act
cli.COMMANDS["act"] = ("act", "act")
sys.exit(cli.main(["act"]))
"""
    with start(["-c", text]) as process:
        assert process.stdout.readline() == "dying\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "going on\n"
        process.wait(timeout=30)
        stopped = ended(process)
    assert stopped.code == 130
    assert stopped.lines == ["stopped; nothing half-written"]


def test_a_reader_that_goes_away_is_no_noise(tmp_path):
    with start(["-m", "mastertrading", *SYNTHETIC, "--no-files"]) as process:
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(timeout=120) == 141
    assert "Traceback" not in said
    assert "Error" not in said


def test_a_background_job_that_ignores_ctrl_c_goes_on(tmp_path):
    """``nohup`` and ``&`` in a script switch Ctrl-C off; that stays so."""
    text = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from mastertrading.app.stopping import stopped_kindly\n"
        "with stopped_kindly(leaving=True): signal.raise_signal(signal.SIGINT); print('on')"
    )
    with start(["-c", text]) as process:
        said, _ = process.communicate(timeout=30)
    assert (said, process.returncode) == ("on\n", 0)


def test_the_handlers_are_as_before_after_a_command_in_the_same_process(capsys):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main(["config", "show", "seed"]) == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
