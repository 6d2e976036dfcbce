"""The command line: ``mastertrading COMMAND …``.

A static table names the commands, and a command's module is imported only when it was chosen: asking for help
costs no numba, no polars, no pydantic. Exit codes come from the error tree (``domain.errors``): 0 done,
1 failed, 2 usage or configuration, 3 blocked by safety, 4 a validation gate said no, 5 not running; and, as
shells have it, 130 stopped by Ctrl-C, 143 by SIGTERM, and 141 the reader of our output went away.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import textwrap
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

from mastertrading import __version__
from mastertrading.app.messages import tr
from mastertrading.app.stopping import Stopped, stopped_kindly
from mastertrading.domain.errors import MastertradingError, UsageError

INTERRUPTED = 130
READER_GONE = 141
LONGEST_USAGE = 120
"""A longer one would hide what was wrong."""

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": (
        "mastertrading.app.commands.demo",
        "trade two simulated days on a local exchange, live to see, through the venue's own protocol",
    ),
    "backtest": (
        "mastertrading.app.commands.backtest",
        "trade recorded or synthetic bars and report the result",
    ),
    "replay": (
        "mastertrading.app.commands.replay",
        "run the live cycle over recorded bars, with a journal, and compare it with the backtest",
    ),
    "trade": (
        "mastertrading.app.commands.trade",
        "trade an account on the wall clock: on paper, at a test site, or live",
    ),
    "start": (
        "mastertrading.app.commands.start",
        "trade in the background: the options are those of trade",
    ),
    "status": (
        "mastertrading.app.commands.status",
        "whether a trader runs, what it holds with which stops, switches, breakers; exit code 5: it does not run",
    ),
    "stop": (
        "mastertrading.app.commands.stop",
        "end a trader in order: positions and their stops stay on the exchange, entries are cancelled",
    ),
    "force-stop": (
        "mastertrading.app.commands.force_stop",
        "end a trader at once: everything stays on the exchange as it is, also entries; try stop first",
    ),
    "logs": (
        "mastertrading.app.commands.logs",
        "the last lines of a trader's log; -f goes on as it writes",
    ),
    "pause": (
        "mastertrading.app.commands.pause",
        "enter nothing more: positions stay and are managed as ever, with stops and take-profits; until resume",
    ),
    "flatten": (
        "mastertrading.app.commands.flatten",
        "close every position at market, then cancel its stops; nothing is entered until resume",
    ),
    "resume": (
        "mastertrading.app.commands.resume",
        "open the switches of pause, flatten and emergency: what there is stays, entries are allowed again",
    ),
    "emergency": (
        "mastertrading.app.commands.emergency",
        "get out of everything at market, and keep trying until all is flat; nothing is entered until resume",
    ),
    "sweep": ("mastertrading.app.commands.sweep", "try many parameter sets over one market and rank them"),
    "data": ("mastertrading.app.commands.data", "download, import, check, list or synthesise market data"),
    "lookahead": (
        "mastertrading.app.commands.lookahead",
        "check whether signals know the future: yours, or the four modules and the indicators",
    ),
    "report": ("mastertrading.app.commands.report", "make the HTML report of a run anew"),
    "config": ("mastertrading.app.commands.config", "show, check or write the settings"),
    "journal": (
        "mastertrading.app.commands.journal",
        "look after a trader's journal: bring it up to date, check, back up, restore, thin",
    ),
    "keys": (
        "mastertrading.app.commands.keys",
        "keep exchange keys sealed in a journal, and rotate what seals them",
    ),
    "why": (
        "mastertrading.app.commands.why",
        "why a run did or did not trade: one minute, a trade, a window, or all of it",
    ),
    "trades": (
        "mastertrading.app.commands.trades",
        "the trades of an account or of a run, and what is open now, with its stops",
    ),
    "performance": (
        "mastertrading.app.commands.performance",
        "what an account or a run made: the backtest's own statistics, by group, day and cost",
    ),
    "doctor": (
        "mastertrading.app.commands.doctor",
        "look at machine, installation, settings, journal and clock: what is wrong, and what to do",
    ),
    "inject": (
        "mastertrading.app.commands.inject",
        "put given signals into a trader on a local exchange, and say what became of each",
    ),
    "diff": (
        "mastertrading.app.commands.diff",
        "where two runs part first, and why; exit code 4 where they differ",
    ),
    "exchange": (
        "mastertrading.app.commands.exchange",
        "serve a local exchange that speaks the venues' protocols, for any bot",
    ),
    "campaign": (
        "mastertrading.app.commands.campaign",
        "try the live cycle against faults and deaths, on a local exchange, by the seed",
    ),
    "bench": (
        "mastertrading.app.commands.bench",
        "measure how fast it is, beside a flat loop that makes the very same trades",
    ),
    "warm": ("mastertrading.app.commands.warm", "compile everything once, so that the first run is quick"),
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("allow_abbrev", False)
        super().__init__(**options)

    def add_argument(self, *names: Any, **options: Any) -> Any:
        """Add an option or argument; its help is translated."""
        if "help" in options:
            options["help"] = tr(options["help"])
        return super().add_argument(*names, **options)

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and leaving."""
        usage = " ".join(self.format_usage().split()).removeprefix("usage: ")
        where = usage if len(usage) <= LONGEST_USAGE else self.prog
        raise UsageError(message, where=where, hint=f"{self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and suggest an option for a misspelt one."""
        parsed, unknown = super().parse_known_args(args, namespace)
        wrong = next((text for text in unknown if text.startswith("--")), None)
        if wrong is not None:
            name = wrong.split("=")[0]
            meant = get_close_matches(name, self._option_string_actions, n=1)
            sentence = tr("there is no option {name}").format(name=name)
            self.error(sentence + (tr("; did you mean {meant}?").format(meant=meant[0]) if meant else ""))
        return parsed, unknown


def top_parser() -> Parser:
    """The parser of what stands before and including the command's name."""
    width = max(map(len, COMMANDS))
    table = "\n".join(_row(f"  {name:<{width}}  ", tr(summary)) for name, (_, summary) in COMMANDS.items())
    parser = Parser(
        prog="mastertrading",
        usage="mastertrading [--version] [--debug] COMMAND …",
        description=tr("An open trading system: one set of rules for backtest, paper and live."),
        epilog=f"{tr('commands:')}\n{table}\n\n{tr('mastertrading COMMAND --help tells more about one.')}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mastertrading {__version__}")
    parser.add_argument("--debug", action="store_true", help=tr("show the traceback of an unexpected error"))
    parser.add_argument("command", nargs="?", metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _row(head: str, text: str) -> str:
    """One line of the table of commands, folded under itself on a narrow terminal."""
    columns = max(shutil.get_terminal_size().columns, 40)
    return textwrap.fill(text, columns, initial_indent=head, subsequent_indent=" " * len(head))


def command_parser(name: str) -> tuple[Parser, Any]:
    """The parser of one command, and its module.

    Raises
    ------
    UsageError
        If there is no such command.
    """
    if name not in COMMANDS:
        meant = get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
        raise UsageError(
            tr("there is no command {name!r}").format(name=name),
            why=tr("did you mean {meant}?").format(meant=meant[0]) if meant else "",
            hint=f"mastertrading {meant[0]} --help" if meant else "mastertrading --help",
        )
    module = import_module(COMMANDS[name][0])
    parser = Parser(prog=f"mastertrading {name}", description=tr(module.SUMMARY))
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    module.configure(parser)
    return parser, module


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. Never raises."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        with stopped_kindly(leaving=argv is None):
            code = _run(given)
            sys.stdout.flush()
            return code
    except KeyboardInterrupt as wish:
        exit_code = wish.exit_code if isinstance(wish, Stopped) else INTERRUPTED
        _tell({"what": tr("stopped; nothing half-written"), "exit_code": exit_code}, "--json" in given)
        return exit_code
    except BrokenPipeError:
        _silence_stdout()
        return READER_GONE
    except MastertradingError as error:
        _tell(_parts(error), "--json" in given)
        return error.exit_code
    except OSError as error:  # stdout on a full disk, a working folder that is gone
        return _refused(error, given)
    except SystemExit as leaving:  # argparse, after --help and --version
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        return _unexpected(error, given)


def _run(given: list[str]) -> int:
    parser = top_parser()
    top = parser.parse_args(given)
    if top.command is None:
        parser.print_help()
        return 2
    chosen, module = command_parser(top.command)
    return int(module.run(chosen.parse_args(top.rest)))


def _parts(error: MastertradingError) -> dict[str, Any]:
    return {
        "error": type(error).__name__,
        "what": error.what,
        "why": error.why,
        "where": error.where,
        "try": error.hint,
        "exit_code": error.exit_code,
    }


def _tell(parts: dict[str, Any], as_json: bool) -> None:
    """Print what went wrong on stderr: one JSON object for machines, labelled lines for people."""
    if as_json:
        text = json.dumps(parts, ensure_ascii=False)
    else:
        labels = (("", "what"), (tr("why: "), "why"), (tr("where: "), "where"), (tr("try: "), "try"))
        text = "\n".join(label + parts[name] for label, name in labels if parts.get(name))
    print(text, file=sys.stderr)


def _refused(error: OSError, given: list[str]) -> int:
    if "--debug" in given:
        traceback.print_exception(error)
    told = {
        "error": type(error).__name__,
        "what": tr("the system refused to go on"),
        "why": error.strerror or str(error),
        "where": str(error.filename or ""),
        "exit_code": 1,
    }
    try:
        sys.stdout.flush()
    except OSError:
        _silence_stdout()
    _tell(told, "--json" in given)
    return 1


def _unexpected(error: Exception, given: list[str]) -> int:
    if "--debug" in given:
        traceback.print_exception(error)
    sentence = tr("something unexpected went wrong: {error}").format(
        error=f"{type(error).__name__}: {error}".strip(": ")
    )
    hint = "" if "--debug" in given else "mastertrading --debug " + " ".join(given)
    _tell({"error": type(error).__name__, "what": sentence, "try": hint, "exit_code": 1}, "--json" in given)
    return 1


def _silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere instead of failing."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # lives until the end of the process


if __name__ == "__main__":
    sys.exit(main())
