"""``config show|check|init``: what is set, where it came from, and whether a file is in order."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrading.app.messages import tr
from mastertrading.app.options import DEFAULT_FILE, add_common, config_file, resolved_settings
from mastertrading.domain.errors import ConfigError, OutputError, UsageError

if TYPE_CHECKING:
    from mastertrading.settings.load import Problem, Resolved

SUMMARY = "show, check or write the settings"
SECRET = re.compile(r"(^|_)(key|secret|token|password|passphrase)$")
MASK = "****"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the three actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help=tr("every value with its origin"))
    show.add_argument(
        "key", nargs="?", default="", metavar="KEY", help=tr("only this setting or table, as in risk.stops")
    )
    show.add_argument(
        "--defaults", action="store_true", help=tr("the defaults and what is allowed; reads nothing else")
    )
    add_common(show, "config", "seed", "json")
    check = actions.add_parser("check", help=tr("read a file and tell everything that is wrong with it"))
    _add_file(check)
    add_common(check, "json")
    init = actions.add_parser(
        "init", help=tr("write a file of all defaults, commented out; never overwrites")
    )
    _add_file(init)
    add_common(init, "json")


def _add_file(parser: argparse.ArgumentParser) -> None:
    text = tr("settings file (default: {file})").format(file=DEFAULT_FILE)
    parser.add_argument("file", nargs="?", type=Path, default=Path(DEFAULT_FILE), metavar="FILE", help=text)


def run(args: argparse.Namespace) -> int:
    """Do the action."""
    action = {"show": _show, "check": _check, "init": _init}[args.action]
    return action(args)


def _show(args: argparse.Namespace) -> int:
    from mastertrading.settings.load import load

    resolved = load() if args.defaults else resolved_settings(args)
    rows = _rows(resolved, args.key)
    if args.json:
        settings = {name: {"value": value, "origin": origin} for name, value, origin in rows}
        print(json.dumps({"hash": resolved.hash, "settings": settings}, indent=2, ensure_ascii=False))
        return 0
    _print_rows(rows, args.defaults)
    if not args.defaults:
        print(f"{tr('file:')} {config_file(args) or tr('none')}   {tr('hash:')} {resolved.hash}")
    return 0


def _rows(resolved: Resolved, key: str) -> list[tuple[str, Any, str]]:
    """Name, value (secrets masked) and origin of each setting at or below a key."""
    from mastertrading.settings.keys import did_you_mean, dotted
    from mastertrading.settings.load import canonical_path
    from mastertrading.settings.toml_text import values_of

    at = canonical_path(tuple(key.split("."))) if key else ()
    rows = [
        (dotted(path), mask(path[-1], value), resolved.origins[dotted(path)])
        for path, value in values_of(resolved.settings)
        if path[: len(at)] == at
    ]
    if not rows:
        meant = did_you_mean(at)
        raise ConfigError(
            tr("there is no setting {key}").format(key=key),
            why=tr("did you mean {meant}?").format(meant=meant) if meant else "",
            hint=f"mastertrading config show {meant}".strip(),
        )
    return rows


def mask(name: str, value: Any) -> Any:
    """The value, or stars if its name says that it is a secret."""
    return MASK if SECRET.search(name) and value else value


def _print_rows(rows: list[tuple[str, Any, str]], defaults: bool) -> None:
    from rich.markup import escape

    from mastertrading.app.terminal import out, table
    from mastertrading.settings.keys import allowed, find
    from mastertrading.settings.toml_text import toml_value

    shown = table("", tr("setting"), tr("value"), tr("allowed") if defaults else tr("origin"))
    for name, value, origin in rows:
        last = allowed(find(tuple(name.split(".")))) if defaults else origin
        shown.add_row(escape(name), escape(toml_value(value)), escape(last))
    out().print(shown)


def _check(args: argparse.Namespace) -> int:
    from mastertrading.settings.load import examine

    resolved, problems = examine(args.file)
    if args.json:
        print(json.dumps(_report(args.file, resolved, problems), indent=2, ensure_ascii=False))
    elif problems:
        print("\n\n".join(map(_told, problems)), file=sys.stderr)
        count = tr("{file}: {count} to put right").format(file=args.file, count=len(problems))
        print(f"\n{count}", file=sys.stderr)
    elif resolved is not None:
        changed = sum(origin != "default" for origin in resolved.origins.values())
        sentence = tr("{file} is in order: {count} settings given, the others at their defaults")
        print(sentence.format(file=args.file, count=changed))
    return ConfigError.exit_code if problems else 0


def _told(problem: Problem) -> str:
    """One problem in a few lines."""
    title = f"{problem.key} = {problem.value}" if problem.value else problem.key
    labels = (tr("where: "), tr("why: "), tr("allowed: "), tr("try: "))
    parts = zip(labels, (problem.where, problem.why, problem.allowed, problem.hint), strict=True)
    return "\n".join([title, *(f"  {label}{text}" for label, text in parts if text)])


def _report(file: Path, resolved: Resolved | None, problems: list[Problem]) -> Mapping[str, Any]:
    names = ("key", "value", "where", "why", "allowed", "hint")
    return {
        "file": str(file),
        "ok": not problems,
        "hash": resolved.hash if resolved else None,
        "problems": [{name: getattr(problem, name) for name in names} for problem in problems],
    }


def _init(args: argparse.Namespace) -> int:
    from mastertrading.settings.load import template

    file: Path = args.file
    try:
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(template())
    except FileExistsError as error:
        raise UsageError(
            tr("{file} already exists and is left as it is").format(file=file),
            hint=f"mastertrading config check {file}",
        ) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(
            tr("{file} cannot be written").format(file=file), why=why, where=str(file)
        ) from error
    print(json.dumps({"file": str(file)}) if args.json else tr("wrote {file}").format(file=file))
    return 0
