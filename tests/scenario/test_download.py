"""Downloads that are killed, stopped, or run out of room, and then given again."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from download_process import download
from exchange_peer import DAY, HOUR, START, FakeClock, Peer, walk
from mastertrading.app.cli import main
from mastertrading.app.commands.data import download as command
from mastertrading.app.download import work
from mastertrading.lake.names import SeriesId
from mastertrading.lake.staging import Staging
from mastertrading.lake.store import Venue

NOW = START + 2 * DAY + 2 * HOUR + 37_000
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def books():
    return {"BTCUSDT": walk(1, START, START + 3 * DAY)}


@pytest.fixture(scope="module")
def undisturbed(books, tmp_path_factory):
    """The lake of a download that nothing interrupted."""
    lake = tmp_path_factory.mktemp("undisturbed")
    with Peer(FakeClock(NOW), books) as peer:
        download(peer.port, lake, NOW)
    return tree(lake)


def tree(lake: Path) -> dict[str, bytes]:
    return {p.relative_to(lake).as_posix(): p.read_bytes() for p in sorted(lake.rglob("*")) if p.is_file()}


def start(peer: Peer, lake: Path, *more: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])}
    arguments = [
        sys.executable,
        str(TESTS / "download_process.py"),
        str(peer.port),
        str(lake),
        str(NOW),
        *more,
    ]
    return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_download_killed_while_it_asks_goes_on_to_the_same_bytes(books, undisturbed, tmp_path):
    with Peer(FakeClock(NOW), books) as peer:
        running: list[subprocess.Popen] = []
        left = [0]

        def kill_at_the_nth_page(path, query, before):
            left[0] -= "symbol" in query
            if left[0] == 0:
                running[-1].kill()
            return ""

        peer.fault = kill_at_the_nth_page
        codes = []
        for pages in (4, 7, 9, 10_000):
            left[0] = pages
            running.append(start(peer, tmp_path))
            said = running[-1].communicate(timeout=60)[1]
            codes.append(running[-1].returncode)
        assert codes == [-signal.SIGKILL] * 3 + [0], said
        pages = [(a.path, *a.query.items()) for a in peer.pages() if a.query.get("interval") != "1d"]
    assert tree(tmp_path) == undisturbed
    assert len(pages) - len(set(pages)) <= 3 * 2  # only what was in flight, two at a time, is asked for again


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("replaces", [("1", "2", "3"), ("4", "2", "1"), ("6", "3", "2")])
def test_a_download_killed_while_it_writes_goes_on_to_the_same_bytes(books, undisturbed, tmp_path, replaces):
    with Peer(FakeClock(NOW), books) as peer:
        codes = []
        for number in (*replaces, "10000"):
            running = start(peer, tmp_path, number)
            said = running.communicate(timeout=60)[1]
            codes.append(running.returncode)
    assert codes == [-signal.SIGKILL] * 3 + [0], said
    assert tree(tmp_path) == undisturbed


# ---------------------------------------------------------------- the command


@pytest.fixture
def at_the_peer(monkeypatch, books):
    """The command line, led to a peer, at a pace that takes no time."""
    with Peer(FakeClock(NOW), books) as peer:
        real = command._desk

        def desk(clock, quiet):
            made = real(clock, quiet)
            made.session = peer.session
            return made

        monkeypatch.setattr(command, "_desk", desk)
        monkeypatch.setattr(work, "unit_of", lambda exchange: 0.0)
        yield peer


def arguments(lake: Path, *more: str) -> list[str]:
    window = ["--from", "2025-06-01", "--to", "2025-06-03"]
    usual = ["data", "download", "--exchange", "binanceusdm", "--instruments", "BTC/USDT:USDT", *window]
    return [*usual, "--kind", "candles,mark,funding,open-interest", "--out", str(lake), *more]


@pytest.fixture
def heeds_ctrl_c():
    """What a shell runs in the background ignores Ctrl-C, and so would we: not in this test."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_keeps_what_came_and_the_same_command_goes_on(at_the_peer, undisturbed, tmp_path, capsys):
    stopped = []

    def stop_at_the_eighth_page(path, query, before):
        # two are asked at a time: the eighth may be the ninth
        if len(at_the_peer.pages()) >= 8 and not stopped:
            stopped.append(path)
            signal.raise_signal(signal.SIGINT)
        return ""

    at_the_peer.fault = stop_at_the_eighth_page
    assert main(arguments(tmp_path)) == 130
    assert "stopped; nothing half-written" in capsys.readouterr().err
    stored = Venue(tmp_path / "binance_usdm").read_bars(SeriesId("bars", "BTCUSDT", "1m"))
    assert len(stored) > 0
    at_the_peer.fault = None
    assert main(arguments(tmp_path)) == 0
    assert tree(tmp_path) == undisturbed


def test_a_full_disk_is_told_and_the_same_command_goes_on(
    at_the_peer, undisturbed, tmp_path, capsys, monkeypatch
):
    real, calls = Staging._append, []

    def full(staging, record):
        calls.append(record)
        if len(calls) == 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(staging, record)

    monkeypatch.setattr(Staging, "_append", full)
    assert main(arguments(tmp_path)) == 1
    told = capsys.readouterr().err
    assert "No space left on device" in told
    assert "same command again" in told
    assert main(arguments(tmp_path)) == 0
    assert tree(tmp_path) == undisturbed


def test_the_command_tells_what_is_there_and_nothing_is_new_the_second_time(at_the_peer, tmp_path, capsys):
    assert main(arguments(tmp_path)) == 0
    printed = capsys.readouterr()
    assert "binanceusdm → " in printed.out
    assert "2,880" in printed.out
    assert "done" in printed.err
    asked = len(at_the_peer.pages())
    assert main(arguments(tmp_path, "--json")) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert '"rows_added": 0' in printed.out
    assert len(at_the_peer.pages()) == asked
    assert main(["data", "check", "--data", str(tmp_path), "--json"]) == 0
    assert '"grade": "A"' in capsys.readouterr().out


def test_a_prediction_asks_nobody_and_says_enough(at_the_peer, tmp_path, capsys):
    assert main(arguments(tmp_path / "lake", "--dry-run")) == 0
    assert "nothing was asked yet" in capsys.readouterr().out
    assert at_the_peer.log == []
    assert not (tmp_path / "lake").exists()
