"""Progress and tables on a terminal, in a pipe, and for machines."""

from __future__ import annotations

import io
import sys

from mastertrading.app import terminal


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_in_a_pipe_is_a_few_plain_lines(capsys):
    with terminal.progress("replaying", 1000) as advance:
        for done in range(1001):
            advance(done)
    shown = capsys.readouterr()
    assert shown.out == ""
    expected = ["replaying …", "replaying: 25 %", "replaying: 50 %", "replaying: 75 %", "replaying: done"]
    assert shown.err.splitlines() == expected


def test_progress_of_unknown_length_in_a_pipe_is_its_beginning_and_end(capsys):
    with terminal.progress("reading", 0) as advance:
        advance(5)
    assert capsys.readouterr().err.splitlines() == ["reading …", "reading: done"]


def test_quiet_progress_prints_nothing(capsys):
    with terminal.progress("replaying", 10, quiet=True) as advance:
        advance(10)
    assert capsys.readouterr().err == ""


def test_progress_on_a_terminal_is_a_bar(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with terminal.progress("replaying", 10) as advance:
        advance(10)
    assert "100%" in stream.getvalue()
    assert "replaying" in stream.getvalue()


def test_a_table_in_a_pipe_has_no_colour_and_keeps_long_names_whole(capsys):
    shown = terminal.table("Trades", "name", "value", numbers=(1,))
    shown.add_row("x" * 60, "1")
    terminal.out().print(shown)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "x" * 60 in text
