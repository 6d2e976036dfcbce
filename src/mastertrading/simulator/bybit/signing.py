"""Who sends a request, and whether it is really from them: key, clock, address, signature.

The signature is HMAC-SHA256, in hex, of ``timestamp + key + window + query`` (GET) or ``… + body`` (POST), over the
bytes exactly as they were sent; a stream signs ``GET/realtime`` and the moment it expires.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit.codes import Code, Wrong, text_of
from mastertrading.simulator.bybit.rules import BybitRules
from mastertrading.simulator.reading import whole_of
from mastertrading.simulator.wire import Request

KEY, STAMP, WINDOW, SIGN = "x-bapi-api-key", "x-bapi-timestamp", "x-bapi-recv-window", "x-bapi-sign"
_STREAM = "GET/realtime"

Accounts = Callable[[str], Account | None]


def sender(request: Request, accounts: Accounts, now_ms: int, rules: BybitRules) -> Account:
    """The account that signed a request.

    Raises
    ------
    Wrong
        With the venue's error for what is missing or wrong.
    """
    headers = request.headers
    key, stamp, sign = (headers.get(name, "") for name in (KEY, STAMP, SIGN))
    if not (key and stamp and sign):
        raise Wrong(Code.AUTHENTICATION, status=rules.missing_key_status)
    account = accounts(key)
    if account is None:
        raise Wrong(Code.KEY, status=rules.wrong_key_status)
    window = headers.get(WINDOW, "")
    check_clock(stamp, window, now_ms, rules)
    payload = request.query.encode() if request.method == "GET" else request.body
    signed = f"{stamp}{key}{window}".encode(errors="replace") + payload
    if not _matches(account.secret, signed, sign):
        raise Wrong(Code.SIGNATURE, text_of(Code.SIGNATURE, signed.decode(errors="replace")[:512]))
    return account


def check_clock(stamp: object, window: object, now_ms: int, rules: BybitRules) -> None:
    """Refuse a timestamp outside ``[now - window, now + 1000)``."""
    sent = whole_of(stamp)
    allowed = rules.recv_window_ms if window in ("", None) else whole_of(window)
    if sent is None or allowed is None or allowed < 0:
        raise Wrong(Code.PARAMETER)
    if rules.checks_time and not now_ms - allowed <= sent < now_ms + rules.ahead_ms:
        raise Wrong(
            Code.TIME_WINDOW,
            f"{text_of(Code.TIME_WINDOW)} req_timestamp[{sent}],server_timestamp[{now_ms}],"
            f"recv_window[{allowed}]",
        )


def stream_sender(arguments: object, accounts: Accounts, now_ms: int, rules: BybitRules) -> Account:
    """The account of an ``auth`` frame: key, the moment it expires, signature.

    Raises
    ------
    Wrong
        10001 for what is no such list, 10003, 10004 (also for one that has expired).
    """
    if not isinstance(arguments, list) or len(arguments) != 3:
        raise Wrong(Code.PARAMETER, "Params Error")
    key, expires, sign = arguments
    until = whole_of(expires)
    if not isinstance(key, str) or not isinstance(sign, str) or until is None:
        raise Wrong(Code.PARAMETER, "Params Error")
    account = accounts(key)
    if account is None:
        raise Wrong(Code.KEY, "Invalid apikey")
    over = rules.checks_time and until <= now_ms
    if over or not _matches(account.secret, f"{_STREAM}{expires}".encode(), sign):
        raise Wrong(Code.SIGNATURE, "Invalid sign")
    return account


def _matches(secret: str, signed: bytes, given: str) -> bool:
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.lower().encode(errors="replace"))
