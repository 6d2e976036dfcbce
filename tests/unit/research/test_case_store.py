"""The folder of a sweep: durable lines, torn lines, and what may be gone on with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mastertrading.domain.errors import DataMissing, DataUnreadable, OutputError, UsageError
from mastertrading.research import case_store
from mastertrading.research.case_store import HEADER, LINES, create, read, resume

HEAD: dict[str, Any] = {
    "data": "d1",
    "code": "c1",
    "market": {"source": "synthetic"},
    "window": {"from_ms": 1, "to_ms": 2},
    "signal": {"name": "ema_cross", "sha256": "s1"},
    "parameters": {"fast": 20},
    "settings": {"risk": {"per_trade": 0.003, "tiers": {"half": 0.0015}}},
    "space": {"axes": []},
}


def row(k: int) -> dict[str, Any]:
    return {
        "key": f"k{k}",
        "values": {"fast": k},
        "figures": {"net_atoms": k * 10**12 + 1, "sharpe": 0.1 + k / 3},
    }


def test_what_was_appended_is_read_back_to_the_last_digit(tmp_path):
    store = create(tmp_path / "s", HEAD)
    store.append([row(1), row(2)])
    store.append([row(3)])
    again = read(tmp_path / "s")
    assert again.rows == {f"k{k}": row(k) for k in (1, 2, 3)}
    assert again.damaged == 0
    assert again.header["data"] == "d1"


@pytest.mark.parametrize("cut", [1, 5, 9, 30, 60])
def test_a_torn_last_line_is_only_its_own_loss(tmp_path, cut):
    store = create(tmp_path / "s", HEAD)
    store.append([row(1), row(2)])
    path = tmp_path / "s" / LINES
    path.write_bytes(path.read_bytes()[:-cut])
    torn = read(tmp_path / "s")
    assert list(torn.rows) == ["k1"]
    assert torn.damaged == 1
    torn.append([row(2), row(3)])
    again = read(tmp_path / "s")
    assert again.rows == {f"k{k}": row(k) for k in (1, 2, 3)}


@settings(deadline=None)
@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_never_changes_a_figure(tmp_path_factory, place, value):
    folder = tmp_path_factory.mktemp("s") / "s"
    create(folder, HEAD).append([row(k) for k in range(4)])
    path = folder / LINES
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(bytes(content))
    kept = read(folder).rows
    assert len(kept) >= 2
    assert all(kept[key] == row(int(key[1:])) for key in kept)


def test_a_second_sweep_into_the_same_folder_needs_resume(tmp_path):
    create(tmp_path / "s", HEAD).append([row(1)])
    with pytest.raises(UsageError, match="1 cases done") as refused:
        create(tmp_path / "s", HEAD)
    assert "--resume" in refused.value.hint
    assert list(resume(tmp_path / "s", HEAD).rows) == ["k1"]


def test_another_space_may_be_gone_on_with(tmp_path):
    create(tmp_path / "s", HEAD).append([row(1)])
    wider = HEAD | {"space": {"axes": [{"name": "fast", "values": [1, 2]}]}}
    assert list(resume(tmp_path / "s", wider).rows) == ["k1"]
    assert read(tmp_path / "s").header["space"] == wider["space"]


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        ("data", "d2", "data: d1 then, d2 now"),
        ("code", "c2", "code: c1 then, c2 now"),
        ("signal", {"name": "ema_cross", "sha256": "s2"}, "signal sha256: s1 then, s2 now"),
        ("signal", None, "signal"),
        ("window", {"from_ms": 1, "to_ms": 3}, "window to_ms: 2 then, 3 now"),
        ("parameters", {"fast": 30}, "parameters fast: 20 then, 30 now"),
        (
            "settings",
            {"risk": {"per_trade": 0.004, "tiers": {"half": 0.0015}}},
            "settings risk.per_trade: 0.003 then, 0.004 now",
        ),
    ],
)
def test_a_resume_of_something_else_says_what_differs(tmp_path, part, value, told):
    create(tmp_path / "s", HEAD)
    with pytest.raises(UsageError) as refused:
        resume(tmp_path / "s", HEAD | {part: value})
    assert told in refused.value.why
    assert read(tmp_path / "s").header[part] == HEAD[part]


def test_resume_without_an_earlier_sweep_begins_one(tmp_path):
    assert resume(tmp_path / "s", HEAD).rows == {}
    assert (tmp_path / "s" / HEADER).is_file()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="cannot take a sweep"):
        create(tmp_path, HEAD)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "s").write_text("")
    with pytest.raises(OutputError, match="cannot take a sweep"):
        create(tmp_path / "s", HEAD)


def test_results_without_a_header_are_not_mixed_with_new_ones(tmp_path):
    create(tmp_path / "s", HEAD).append([row(1)])
    (tmp_path / "s" / HEADER).unlink()
    with pytest.raises(OutputError, match="cannot take a sweep"):
        resume(tmp_path / "s", HEAD)


def test_looking_at_no_sweep_says_so(tmp_path):
    with pytest.raises(DataMissing, match="no sweep"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"format": "other"}), "\x00"])
def test_a_damaged_header_is_said(tmp_path, text):
    (tmp_path / HEADER).write_text(text)
    with pytest.raises(DataUnreadable):
        read(tmp_path)


def test_a_full_disk_is_an_error_with_a_way_on_and_keeps_what_there_is(tmp_path, monkeypatch):
    store = create(tmp_path / "s", HEAD)
    store.append([row(1)])

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(case_store.os, "write", full)
        with pytest.raises(OutputError, match="cannot be kept") as refused:
            store.append([row(2)])
    assert "--resume" in refused.value.hint
    assert list(read(tmp_path / "s").rows) == ["k1"]
    assert list(store.rows) == ["k1"]
