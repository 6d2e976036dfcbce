"""The command line: what it imports, how it fails, and how it stops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from mastertrading import __version__
from mastertrading.app import cli
from mastertrading.domain import errors

HEAVY = ("numba", "numpy", "polars", "pydantic", "rich")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["bactest"], ["--nonsense"]])
def test_help_version_and_usage_errors_import_no_heavy_library(python, arguments):
    text = (
        "import sys; from mastertrading.app.cli import main; main(sys.argv[1:]);"
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules])"
    )
    assert python(text, *arguments).stdout.splitlines()[-1] == "LOADED []"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_of_a_command_imports_no_heavy_library(python, name):
    text = (
        f"import sys; from mastertrading.app.cli import main; main([{name!r}, '--help']);"
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules])"
    )
    assert python(text).stdout.splitlines()[-1] == "LOADED []"


def test_no_command_shows_the_commands_and_is_a_usage_error(capsys):
    assert cli.main([]) == 2
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)


def test_version_is_told(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"mastertrading {__version__}"


def test_a_misspelt_command_is_refused_with_what_was_meant(capsys):
    assert cli.main(["confg", "show"]) == 2
    shown = capsys.readouterr().err
    assert "there is no command 'confg'" in shown
    assert "did you mean config?" in shown
    assert "try: mastertrading config --help" in shown


def test_a_misspelt_option_is_refused_with_what_was_meant(capsys):
    assert cli.main(["config", "show", "--sed", "3"]) == 2
    assert "there is no option --sed; did you mean --seed?" in capsys.readouterr().err


def test_an_abbreviated_option_is_not_guessed(capsys):
    assert cli.main(["config", "show", "--def"]) == 2
    assert "--defaults" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.MastertradingError, 1),
        (errors.UsageError, 2),
        (errors.ConfigError, 2),
        (errors.DataMissing, 1),
        (errors.DataUnreadable, 1),
        (errors.OutputError, 1),
        (errors.SafetyBlocked, 3),
        (errors.ValidationFailed, 4),
        (errors.NotRunning, 5),
        (errors.InvariantBroken, 1),
    ],
)
def test_an_error_of_ours_has_its_exit_code_and_says_what_why_where_and_what_to_try(
    command, capsys, error, code
):
    def run(args):
        raise error("it broke", why="too big", where="my.toml, line 3", hint="mastertrading config show")

    command(run)
    assert cli.main(["act"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "it broke\nwhy: too big\nwhere: my.toml, line 3\ntry: mastertrading config show\n"


def test_an_error_is_one_json_object_on_stderr_for_machines(command, capsys):
    def run(args):
        raise errors.SafetyBlocked("no", why="latched")

    command(run, configure=lambda parser: parser.add_argument("--json", action="store_true"))
    assert cli.main(["act", "--json"]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert json.loads(shown.err) == {
        "error": "SafetyBlocked",
        "what": "no",
        "why": "latched",
        "where": "",
        "try": "",
        "exit_code": 3,
    }


def test_a_usage_error_is_json_too_for_machines(capsys):
    assert cli.main(["config", "show", "--json", "--sed", "3"]) == 2
    assert json.loads(capsys.readouterr().err)["error"] == "UsageError"


def test_an_unexpected_error_is_one_sentence_and_how_to_learn_more(command, capsys):
    command(lambda args: 1 // 0)
    assert cli.main(["act"]) == 1
    shown = capsys.readouterr().err
    assert "something unexpected went wrong: ZeroDivisionError" in shown
    assert "try: mastertrading --debug act" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("arguments", [["--debug", "act"], ["act", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(command, capsys, arguments):
    command(lambda args: 1 // 0)
    assert cli.main(arguments) == 1
    assert "Traceback" in capsys.readouterr().err


def test_the_exit_code_of_a_command_is_handed_on(command):
    command(lambda args: 4)
    assert cli.main(["act"]) == 4


def test_an_interrupt_is_told_in_one_line_with_the_shell_exit_code(command, capsys):
    def run(args):
        raise KeyboardInterrupt

    command(run)
    assert cli.main(["act"]) == 130
    assert capsys.readouterr().err == "stopped; nothing half-written\n"


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_in_a_running_command_stops_without_a_traceback(environment):
    text = """
import sys
from types import ModuleType
from mastertrading.app import cli
act = ModuleType("act")
act.SUMMARY, act.configure = "act", lambda parser: None
def run(args):
    print("running", flush=True)
    sys.stdin.read()
act.run = run
sys.modules["act"] = act
cli.COMMANDS["act"] = ("act", "act")
sys.exit(cli.main(["act"]))
"""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", text], env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == "stopped; nothing half-written\n"


@pytest.mark.skipif(sys.platform == "win32", reason="closes a POSIX pipe")
@pytest.mark.parametrize("arguments", [["config", "show"], ["config", "show", "--json"]])
def test_a_reader_that_goes_away_is_no_noise(environment, arguments):
    command = [sys.executable, "-m", "mastertrading", *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 141


def test_sessions_of_the_tables_are_those_of_the_settings():
    from mastertrading.backtest.trade_statistics import SESSIONS
    from mastertrading.settings.schema import Sessions

    assert tuple(Sessions.model_fields)[: len(SESSIONS)] == SESSIONS
