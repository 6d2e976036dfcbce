"""What ``pause``, ``flatten``, ``resume`` and ``emergency`` share: say what will stay, ask, wait, say what stays."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from mastertrading.app.commands.stop import add_wait, add_which
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.terminal import out

if TYPE_CHECKING:
    from mastertrading.app.trading.asking import Before, Obeyed

LATE, BLOCKED, STANDS = 1, 3, 5
"""Exit codes: not obeyed in time, refused, nobody trades."""


def configure_asking(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_which(parser)
    add_wait(parser, tr("how long to wait until it is obeyed (default 60 s); it stays in force after that"))
    add_common(parser, "json")


def run_asking(args: argparse.Namespace, verb: str, arguments: Mapping[str, str] | None = None) -> int:
    """Ask, and say what came of it."""
    from mastertrading.app.trading.asking import ask
    from mastertrading.app.trading.folder import the_folder

    folder = the_folder(args.state, args.of)
    on_before = (lambda before: None) if args.json else _tell_before
    obeyed = ask(folder, verb, arguments or {}, args.wait, on_before)
    if args.json:
        done = obeyed.done
        print(
            json.dumps(
                {
                    "id": obeyed.command.command_id,
                    "obeyed": done is not None and not obeyed.is_refused,
                    "outcome": done.outcome if done else "",
                    "before": done.before if done else "",
                    "after": done.after if done else "",
                    "stays": [asdict(one) for one in obeyed.held],
                }
            )
        )
    else:
        _tell_after(obeyed, args.wait)
    if obeyed.done is not None:
        return BLOCKED if obeyed.is_refused else 0
    return LATE if obeyed.was_running else STANDS


def _tell_before(before: Before) -> None:
    from mastertrading.app.trading.looking import holdings

    console = out()
    switches = ", ".join(before.switches) or tr("none is put")
    console.print(tr("switches now: {switches}; held now:").format(switches=switches), markup=False)
    for line in holdings(before.held):
        console.print(f"  {line}", markup=False)
    console.print(
        tr("what will stay on the exchange: {leaves}").format(leaves=tr(before.leaves)), markup=False
    )


def _tell_after(obeyed: Obeyed, wait_s: float) -> None:
    from mastertrading.app.trading.looking import holdings

    console, done = out(), obeyed.done
    if done is None and not obeyed.was_running:
        console.print(tr("nobody trades this account now: it is written down, and the next start obeys it"))
    elif done is None:
        sentence = tr("it is written down and was not obeyed within {seconds:g} s; it stays in force")
        console.print(sentence.format(seconds=wait_s))
    elif obeyed.is_refused:
        console.print(tr("refused: {why}").format(why=done.outcome), markup=False)
    else:
        console.print(
            tr("done: {before} → {after}").format(before=done.before, after=done.after), markup=False
        )
    console.print(tr("on the exchange is now:"))
    for line in holdings(obeyed.held):
        console.print(f"  {line}", markup=False)
