"""Keys of an account: from the environment or from a file that only its owner can read, and from nowhere else.

A key never stands in the configuration file, never in a ``repr``, and its text leaves this module only into the
signing of ccxt.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mastertrading.domain.errors import SafetyBlocked

PREFIX = "MASTERTRADING_KEYS_"
PARTS = ("api_key", "secret", "passphrase")


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs the requests of one account."""

    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    passphrase: str = field(default="", repr=False)

    def __reduce__(self) -> str | tuple[object, ...]:
        """Keys are never pickled."""
        raise TypeError("keys are not written anywhere")


def keys_of(account: str, environ: Mapping[str, str]) -> Keys:
    """The keys of an account.

    ``MASTERTRADING_KEYS_MAIN_FILE`` names a TOML file with ``api_key``, ``secret`` and, where the venue has one,
    ``passphrase``; or ``MASTERTRADING_KEYS_MAIN_API_KEY``, ``…_SECRET``, ``…_PASSPHRASE`` hold them.

    Raises
    ------
    SafetyBlocked
        If there are none, or others than the owner may read the file.
    """
    start = PREFIX + account.upper().replace("-", "_") + "_"
    file = environ.get(start + "FILE", "")
    found = _in_file(Path(file)) if file else {part: environ.get(start + part.upper(), "") for part in PARTS}
    if not found.get("api_key") or not found.get("secret"):
        raise SafetyBlocked(
            f"there are no keys for the account {account!r}",
            why="api_key and secret are both needed",
            where=file or f"{start}FILE, or {start}API_KEY and {start}SECRET",
        )
    return Keys(found["api_key"], found["secret"], found.get("passphrase", ""))


def _in_file(path: Path) -> dict[str, str]:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise SafetyBlocked(
            "the file with the keys can't be read", why=str(error.strerror), where=str(path)
        ) from None
    with os.fdopen(handle, encoding="utf-8") as file:
        about = os.fstat(file.fileno())
        wide = stat.S_IMODE(about.st_mode) & 0o077
        if os.name != "nt" and (wide or about.st_uid != os.getuid()):  # Windows tells neither
            raise SafetyBlocked(
                "the file with the keys is open to others",
                why=f"its mode is {stat.S_IMODE(about.st_mode):04o}",
                where=str(path),
                hint=f"chmod 600 {path}",
            )
        try:
            told = tomllib.loads(file.read())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):  # its text would quote a line of the file
            raise SafetyBlocked("the file with the keys is no TOML", where=str(path)) from None
    return {part: str(told[part]) for part in PARTS if isinstance(told.get(part), str)}
