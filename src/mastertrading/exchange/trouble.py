"""What an exception of ccxt means for someone who reads: ask again, ask slower, or give it up.

Reading changes nothing at the exchange, so asking again is always safe; what ccxt's classes do not separate (a
truncated answer is a bare ``ExchangeError``) is therefore asked again as well, a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mastertrading.exchange.lean import errors

PATIENCE_S = 900.0
"""A longer ban is not waited for."""
FORBIDDEN_PAUSE_S = 30.0
SHOWN = 160
ADDRESS = re.compile(r"^\w+( (GET|POST))?( https?://\S+)?")
"""How ccxt begins its sentences: exchange, method, address."""
BANNED, TOO_MANY, FORBIDDEN, LEGAL = 418, 429, 403, 451


class BadAnswer(Exception):
    """An answer that is no answer: a page of HTML, half a JSON text, rows of another time."""


@dataclass
class Heard:
    """What the last answer said besides its rows.

    Attributes
    ----------
    status
        HTTP status; 0 before the first answer.
    headers
        HTTP headers, by name in small letters.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    def forget(self) -> None:
        """Before a new question."""
        self.status, self.headers = 0, {}


@dataclass(frozen=True, slots=True)
class Trouble:
    """How to go on after a failure.

    Attributes
    ----------
    final
        Asking again is of no use.
    everybody
        All threads have to wait, not only the one that was answered.
    wait_s
        How long the exchange wants us to wait; None: as long as we see fit.
    """

    text: str
    final: bool = False
    everybody: bool = False
    wait_s: float | None = None


def judged(error: Exception, heard: Heard, now_ms: int) -> Trouble:
    """Say how to go on after an exception."""
    known, text = errors(), _text(error, heard)
    if isinstance(error, BadAnswer):
        return Trouble(str(error))
    if heard.status == LEGAL:
        return Trouble(text, final=True)
    if heard.status in (BANNED, TOO_MANY) or isinstance(
        error, (known.DDoSProtection, known.RateLimitExceeded)
    ):
        wait_s = _asked_to_wait(heard.headers, now_ms)
        if wait_s is None and heard.status == FORBIDDEN:
            wait_s = FORBIDDEN_PAUSE_S
        return Trouble(text, everybody=True, wait_s=wait_s)
    if isinstance(error, known.OperationFailed):
        return Trouble(text)
    refusals = (known.BadRequest, known.ArgumentsRequired, known.NotSupported, known.AuthenticationError)
    return Trouble(text, final=isinstance(error, refusals))


def _asked_to_wait(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Seconds of ``Retry-After`` (a number), or until the moment at which Bybit counts anew."""
    after = _number(headers.get("retry-after"))
    if after is not None:
        return max(after, 0.0)
    reset = _number(headers.get("x-bapi-limit-reset-timestamp"))
    return None if reset is None else min(max((reset - now_ms) / 1000, 0.0), PATIENCE_S)


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _text(error: Exception, heard: Heard) -> str:
    """What happened in one line: without addresses, with the cause where ccxt keeps only the address."""
    said = " ".join(ADDRESS.sub("", str(error)).split())
    if not said:
        said = f"no answer ({type(error.__cause__ or error).__name__})"
    status = f"HTTP {heard.status}: " if heard.status >= 400 and str(heard.status) not in said else ""
    return f"{status}{said[:SHOWN]}{'…' if len(said) > SHOWN else ''}"
