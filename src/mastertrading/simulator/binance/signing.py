"""Who asks, whether they really do, and whether their clock is right."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from mastertrading.simulator.binance.codes import VenueError, illegal, missing
from mastertrading.simulator.binance.parameters import Parameters
from mastertrading.simulator.binance.rules import BinanceRules
from mastertrading.simulator.exchange import Account, Exchange

_SIGNATURE = re.compile(r"(?:^|&)signature=([^&]*)")
_HEX = r"^[A-Fa-f0-9]{64}$"


def signature_of(secret: str, payload: str) -> str:
    """HMAC-SHA256 of what was sent, in hexadecimal digits."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def payload_of(query: str, body: str) -> tuple[str, str]:
    """What a request's signature covers, query and body as sent and without the signature; and the signature."""
    given = [found.group(1) for found in (_SIGNATURE.search(query), _SIGNATURE.search(body)) if found]
    covered = _SIGNATURE.sub("", query).removeprefix("&") + _SIGNATURE.sub("", body).removeprefix("&")
    return covered, given[0] if given else ""


def payload_of_mapping(values: Mapping[str, str], secret: str = "", given: str = "") -> str:
    """What the signature of a WebSocket request covers: its parameters by name.

    The venue's own client signs them percent-encoded, others as they are: where only the former fits the signature
    that was given, that is it.
    """
    covered = [(name, values[name]) for name in sorted(values) if name != "signature"]
    encoded = urlencode(covered)
    if given and signature_of(secret, encoded) == given.lower():
        return encoded
    return "&".join(f"{name}={value}" for name, value in covered)


def account_of(exchange: Exchange, api_key: str) -> Account:
    """The key's account.

    Raises
    ------
    VenueError
        -2014 without a key, -2015 with one that is unknown.
    """
    if not api_key or not api_key.isascii() or len(api_key) > 128:
        raise VenueError(-2014)
    account = exchange.account_of_key(api_key)
    if account is None:
        raise VenueError(-2015)
    return account


def check_signature(secret: str, covered: str, given: str) -> None:
    """Refuse what the key's owner did not sign (-1022), or what is unsigned (-1102)."""
    if not given:
        raise missing("signature")
    if not re.fullmatch(_HEX, given):
        raise illegal("signature", _HEX)
    if not hmac.compare_digest(signature_of(secret, covered), given.lower()):
        raise VenueError(-1022)


def check_clock(parameters: Parameters, now_ms: int, rules: BinanceRules) -> None:
    """Refuse what was signed too long ago, or in the future (-1021)."""
    stamp = parameters.required_whole("timestamp")
    window = parameters.whole("recvWindow")
    window = rules.receive_window_ms if window is None else window
    if window > rules.longest_receive_window_ms:
        raise VenueError(-1131, f"recvWindow must be less than {rules.longest_receive_window_ms}.")
    if not rules.checks_time:
        return
    if stamp >= now_ms + rules.clock_ahead_ms:
        ahead = rules.clock_ahead_ms
        raise VenueError(-1021, f"Timestamp for this request was {ahead}ms ahead of the server's time.")
    if now_ms - stamp > window:
        raise VenueError(-1021)
