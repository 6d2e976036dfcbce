"""One writer at a time: two imports at once lose nothing, and a killed writer blocks nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mastertrading.domain.errors import OutputError
from mastertrading.lake import lock
from mastertrading.lake.lock import LOCK, TAKING_OVER, is_alive, writing
from mastertrading.lake.names import SeriesId
from mastertrading.lake.store import Venue

SOURCE = Path(__file__).resolve().parents[3] / "src"
IMPORT = (
    "import sys; from mastertrading.app.cli import main; sys.stdin.readline(); sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture
def dead():
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_the_lock_is_there_while_writing_and_gone_after_it_and_after_an_error(tmp_path):
    folder = tmp_path / "venue"
    with writing(folder):
        assert (folder / LOCK).read_text() == str(os.getpid())
    with pytest.raises(KeyboardInterrupt), writing(folder):
        raise KeyboardInterrupt
    assert list(folder.iterdir()) == []


def test_a_second_writer_is_refused_with_the_first_ones_process(tmp_path):
    with writing(tmp_path), pytest.raises(OutputError) as raised, writing(tmp_path):
        pass
    assert f"process {os.getpid()}" in raised.value.what
    assert raised.value.where == str(tmp_path / LOCK)


def test_a_second_writer_waits_as_long_as_it_is_told_to(tmp_path):
    (tmp_path / LOCK).write_text(str(os.getpid()))
    asked = []

    def wait():
        asked.append(1)
        if len(asked) == 3:
            (tmp_path / LOCK).unlink()
        return True

    with writing(tmp_path, wait):
        assert len(asked) == 3


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path, dead):
    (tmp_path / LOCK).write_text(str(dead))
    with writing(tmp_path):
        assert (tmp_path / LOCK).read_text() == str(os.getpid())
    assert list(tmp_path.iterdir()) == []


def test_while_another_process_takes_over_nobody_removes_its_lock(tmp_path, dead):
    (tmp_path / LOCK).write_text(str(dead))
    (tmp_path / TAKING_OVER).write_text(str(os.getppid()))
    with pytest.raises(OutputError), writing(tmp_path):
        pass
    assert (tmp_path / LOCK).read_text() == str(dead)


def test_a_process_that_died_taking_over_blocks_nobody(tmp_path, dead):
    (tmp_path / LOCK).write_text(str(dead))
    (tmp_path / TAKING_OVER).write_text(str(dead))
    with writing(tmp_path, lambda: True):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_without_an_id_is_of_a_writer_that_begins(tmp_path):
    (tmp_path / LOCK).touch()
    with pytest.raises(OutputError, match="another process"), writing(tmp_path):
        pass


def test_what_a_killed_writer_left_unfinished_is_removed(tmp_path, make_bars):
    venue = Venue(tmp_path / "v")
    left = tmp_path / "v/1m/.BTCUSDT-1m.parquet.77.unfinished"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    venue.append_bars(SeriesId("bars", "BTCUSDT", "1m"), make_bars(5), "test")
    assert not left.exists()


def test_a_venue_that_is_being_written_is_left_as_it_is(tmp_path, make_bars):
    venue = Venue(tmp_path / "v")
    with writing(venue.folder), pytest.raises(OutputError):
        venue.append_bars(SeriesId("bars", "BTCUSDT", "1m"), make_bars(5), "test")
    assert venue.series() == []


def test_who_is_alive_is_known(dead):
    assert is_alive(os.getpid())
    assert is_alive(os.getppid())
    assert not is_alive(dead)
    assert not is_alive(0)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may signal anybody")
def test_a_process_of_somebody_else_is_alive():
    assert is_alive(1)


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be written"), writing(tmp_path / "file"):
        pass
    assert lock.at_once() is False


def test_two_imports_at_once_lose_no_series(tmp_path, make_bars):
    names = [f"{coin}USDT" for coin in ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE")]
    for number, name in enumerate(names):
        Venue(tmp_path / f"from{number % 2}").put_bars(SeriesId("bars", name, "1m"), make_bars(20), "made")
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", IMPORT, "data", "import", "--data", str(tmp_path / "lake")]
    both = [
        subprocess.Popen(
            [*command, str(tmp_path / f"from{half}/1m")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        for half in (0, 1)
    ]
    for process in both:
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in both:
        process.communicate(timeout=60)
    assert [process.returncode for process in both] == [0, 0]
    venue = Venue(tmp_path / "lake/binance_usdm")
    assert sorted(venue.manifest()) == sorted(f"1m/{name}" for name in names)
    assert not (venue.folder / LOCK).exists()
