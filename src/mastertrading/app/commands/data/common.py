"""What the actions of ``data`` share."""

from __future__ import annotations

import argparse
from pathlib import Path

LAKE = Path("lake")


def add_lake(parser: argparse.ArgumentParser, option: str, text: str) -> None:
    """Add the option that names the lake."""
    parser.add_argument(option, type=Path, default=LAKE, metavar="DIR", help=text)
