"""``logs``: what a trader wrote, and what it goes on writing."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mastertrading.app.commands.stop import add_which
from mastertrading.app.messages import tr
from mastertrading.app.options import natural

SUMMARY = "the last lines of a trader's log; -f goes on as it writes"
LINES = 40
PAUSE_S = 0.3


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("-f", "--follow", action="store_true", help=tr("go on until Ctrl-C"))
    parser.add_argument(
        "-n", type=natural, default=LINES, metavar="N", help=tr("how many lines (default 40)")
    )
    add_which(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from mastertrading.app.trading.control import tail
    from mastertrading.app.trading.folder import the_folder

    folder = the_folder(args.state, args.of)
    place = folder.log.stat().st_size if folder.log.exists() else 0
    for line in tail(folder.log, args.n) if args.n else ():
        print(line)
    if args.follow:
        follow(folder.log, place)
    return 0


def follow(path: Path, place: int) -> None:
    """Print what is written from a place on, also after the file was turned over."""
    while True:
        size = path.stat().st_size if path.exists() else 0
        if size < place:
            place = 0
        if size > place:
            with path.open("rb") as file:
                file.seek(place)
                told = file.read()
            place += len(told)
            print(told.decode(errors="replace"), end="", flush=True)
        time.sleep(PAUSE_S)
