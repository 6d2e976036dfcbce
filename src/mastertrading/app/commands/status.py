"""``status``: whether a trader runs, what it holds, what protects it, and what stands in its way."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from mastertrading.app.commands.stop import add_which
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.terminal import out, table

if TYPE_CHECKING:
    from mastertrading.app.trading.looking import Look

SUMMARY = (
    "whether a trader runs, what it holds with which stops, switches, breakers; exit code 5: it does not run"
)
STANDS = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_which(parser)
    add_common(parser, "json")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from mastertrading.app.trading.folder import the_folder
    from mastertrading.app.trading.looking import look_at

    look = look_at(the_folder(args.state, args.of))
    if args.json:
        print(json.dumps(asdict(look), indent=2))
    else:
        show(look)
    return 0 if look.running else STANDS


def show(look: Look) -> None:
    """Print it."""
    from mastertrading.app.trading.looking import moment

    console = out()
    for name, value in _lines(look):
        if value:
            console.print(f"{tr(name):<12} {value}", markup=False, soft_wrap=True)
    if look.held:
        shown = table(
            tr("positions"),
            tr("instrument"),
            tr("quantity"),
            tr("entry"),
            tr("stop"),
            tr("since"),
            numbers=(1, 2, 3),
        )
        for one in look.held:
            shown.add_row(
                one.symbol, one.qty, one.entry_px, one.stop_px or tr("none known"), moment(one.since_ms)
            )
        console.print(shown)
    if look.incidents:
        shown = table(tr("newest incidents"), tr("when"), tr("what"), "")
        for incident in look.incidents:
            shown.add_row(moment(int(incident["at_ms"])), incident["kind"], incident["detail"])
        console.print(shown)


def _lines(look: Look) -> list[tuple[str, str]]:
    from mastertrading.app.trading.looking import moment

    state = tr(look.phase or "trading") if look.running else tr("not running")
    process = f"{look.pid}, {tr('since')} {moment(look.began_ms)}" if look.running else ""
    lease = f"{look.holder}, {look.lease_left_s:.0f} s" if look.holder else tr("nobody")
    switches = ", ".join(f"{name} ({why})" for name, why in look.switches.items())
    breakers = ", ".join(f"{name} {stage}" for name, stage in look.breakers.items())
    return [
        ("account", look.account),
        ("state", state),
        ("process", process),
        ("command", look.command),
        ("journal", look.journal or look.trouble),
        ("lease", lease),
        ("last bar", moment(look.bar_ms)),
        ("last cycle", moment(look.cycle_ms)),
        ("equity", look.equity),
        ("positions", "" if look.held or look.trouble else tr("nothing is held")),
        ("switches", switches or tr("none is put")),
        ("breakers", breakers or tr("none has tripped")),
        ("asked for", ", ".join(look.waiting)),
    ]
