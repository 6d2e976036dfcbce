"""Where a process that trades writes what happens: to the terminal, and to a file that is turned over when it is large.

Nothing that looks like a secret passes: the values of the account's keys wherever they stand, and what follows a word
such as ``signature=``, whoever wrote the line.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path

MOST_BYTES, KEPT = 10_000_000, 5
HIDDEN = "…"
SHORTEST = 6
"""A shorter value is no secret, and to hide it would hide words."""
NAMED = re.compile(
    r"(?i)(signature|listen_?key|api[-_]?key|apikey|secret|passphrase|password|token|sign|x-bapi-sign|x-mbx-apikey)"
    r"(['\"]?\s*[=:]\s*['\"]?)([^\s'\"&,;}]+)"
)
ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+]*://[^\s:/@]+):([^\s@/]+)@")


class Redacted(logging.Formatter):
    """Lines without secrets, times in UTC."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self._secrets = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The line, and its traceback."""
        return redacted(super().format(record), self._secrets)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """A text without secrets."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = ADDRESS.sub(rf"\1:{HIDDEN}@", text)
    return NAMED.sub(rf"\1\2{HIDDEN}", text)


class Logs:
    """The log of one process: ``with Logs(file, secrets): …``.

    Parameters
    ----------
    file
        None: only the terminal.
    shows
        Whether the terminal shows it.
    """

    def __init__(self, file: Path | None, secrets: Iterable[str] = (), *, shows: bool = True) -> None:
        self._root = logging.getLogger("mastertrading")
        self._handlers: list[logging.Handler] = []
        form = Redacted(secrets)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._handlers.append(
                RotatingFileHandler(file, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8")
            )
        if shows:
            self._handlers.append(logging.StreamHandler(sys.stderr))
        for handler in self._handlers:
            handler.setFormatter(form)

    def __enter__(self) -> Logs:
        """Begin."""
        self._level, self._up = self._root.level, self._root.propagate
        self._root.setLevel(logging.INFO)
        self._root.propagate = False
        for handler in self._handlers:
            self._root.addHandler(handler)
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        for handler in self._handlers:
            self._root.removeHandler(handler)
            handler.close()
        self._root.setLevel(self._level)
        self._root.propagate = self._up


def secrets_in(environ: dict[str, str]) -> list[str]:
    """Values of the environment that must never be seen."""
    words = ("KEY", "SECRET", "PASS", "TOKEN", "KEK")
    return [value for name, value in environ.items() if any(word in name.upper() for word in words)]
