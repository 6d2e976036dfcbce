"""Which process it is: a number that is used again is another process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from mastertrading.app.processes import (
    Identity,
    PidFile,
    ask_to_end,
    by_ps,
    end_now,
    has_ended,
    holder_name,
    identity_of,
    machine,
    myself,
    on_linux,
    wait_for_end,
)
from mastertrading.domain.errors import SafetyBlocked


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_this_process_runs_and_names_its_command():
    me = myself()
    assert me.is_running
    assert me.pid == os.getpid()
    assert "python" in me.command


def test_a_number_of_nobody_has_no_process():
    assert identity_of(0) is None
    assert identity_of(2**22 + 17) is None


def test_the_same_number_with_another_beginning_is_another_process():
    me = myself()
    assert not Identity(me.pid, f"{me.began}0", me.command).is_running


def test_a_process_that_is_over_and_not_cleared_away_does_not_run(child):
    who = identity_of(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    assert wait_for_end(who, 5.0)


@pytest.mark.parametrize("end", [ask_to_end, end_now])
def test_a_process_is_ended_and_waited_for(child, end):
    who = identity_of(child.pid)
    end(child.pid)
    assert wait_for_end(who, 5.0)
    assert child.wait() < 0


def test_a_command_with_spaces_and_brackets_in_its_name_is_read_from_proc(tmp_path):
    folder = tmp_path / "42"
    folder.mkdir()
    fields = " ".join(str(n) for n in range(4, 53))
    (folder / "stat").write_text(f"42 (my ) prog) S {fields}\n")
    (folder / "cmdline").write_bytes(b"prog\0--name\0a b\0")
    assert on_linux(42, tmp_path) == Identity(42, ":22", "prog --name a b")


def test_ps_of_other_systems_tells_beginning_and_command():
    line = "Sat Nov 21 20:43:01 2026 /usr/bin/python3 -m mastertrading trade\n"
    assert by_ps(7, lambda pid: line) == Identity(
        7, "Sat Nov 21 20:43:01 2026", "/usr/bin/python3 -m mastertrading trade"
    )
    assert by_ps(7, lambda pid: "") is None


def test_a_pid_file_is_claimed_by_one_process_and_taken_over_from_the_dead(tmp_path, child):
    file = PidFile(tmp_path / "trader.json")
    who = identity_of(child.pid)
    told = {"pid": who.pid, "began": who.began, "command": who.command}
    file.path.write_text(json.dumps(told))
    with pytest.raises(SafetyBlocked, match=f"process {child.pid} trades"):
        file.claim({})
    file.path.write_text(json.dumps({**told, "began": "long ago"}))
    file.claim({"phase": "trading"})
    assert file.running().facts == {"phase": "trading"}
    file.release()
    assert not file.path.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}'])
def test_a_pid_file_that_cannot_be_read_claims_nothing(tmp_path, text):
    file = PidFile(tmp_path / "trader.json")
    file.path.write_text(text)
    assert file.read() is None
    file.claim({})
    assert file.running() is not None


def test_a_holder_is_over_only_if_it_was_of_this_machine_and_runs_no_more(child):
    one = identity_of(child.pid)
    named = f"process {one.pid} of {machine()}, begun {one.began}"
    assert not has_ended(holder_name())
    assert not has_ended(named)
    child.kill()
    child.wait()
    assert has_ended(named)
    assert not has_ended(named.replace(machine(), "another")), "what another machine runs is not known here"
    assert not has_ended("somebody"), "nor what is not a process"


def test_a_number_that_is_used_again_is_another_holder():
    me = myself()
    assert has_ended(f"process {me.pid} of {machine()}, begun earlier")
