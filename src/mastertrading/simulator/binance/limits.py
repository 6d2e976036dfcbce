"""How much a client may ask: weight by address, new orders by account, and what happens to those who go on."""

from __future__ import annotations

from typing import Final

from mastertrading.simulator.binance.codes import VenueError
from mastertrading.simulator.binance.rules import DAY_MS, BinanceRules
from mastertrading.simulator.limits import FixedWindow

MINUTE_MS: Final = 60_000
TEN_SECONDS_MS: Final = 10_000
LONGEST_BAN_MS: Final = 3 * DAY_MS


class Limits:
    """Counts of the present minute and ten seconds, and the addresses that are banned."""

    def __init__(self, rules: BinanceRules) -> None:
        self.rules = rules
        self._weights = FixedWindow(MINUTE_MS)
        self._refused = FixedWindow(MINUTE_MS)
        self._minute = FixedWindow(MINUTE_MS)
        self._seconds = FixedWindow(TEN_SECONDS_MS)
        self._banned_until: dict[str, int] = {}
        self._bans: dict[str, int] = {}

    def weigh(self, client: str, weight: int, now_ms: int) -> dict[str, str]:
        """Count a request of an address; the reply's headers.

        Raises
        ------
        VenueError
            429 over the limit, 418 for an address that went on.
        """
        until = self._banned_until.get(client, 0)
        if now_ms < until:
            raise self._banned(client, until, now_ms)
        used = self._weights.add(client, now_ms, weight)
        if used.weight > self.rules.weight_a_minute:
            self._refuse(client, now_ms, used.resets_ms)
        return {"X-MBX-USED-WEIGHT-1M": str(used.weight)}

    def count_orders(self, account: str, orders: int, now_ms: int) -> dict[str, str]:
        """Count new orders of an account; the reply's headers."""
        seconds = self._seconds.add(account, now_ms, orders)
        minute = self._minute.add(account, now_ms, orders)
        most, most_seconds = self.rules.orders_a_minute, self.rules.orders_in_ten_seconds
        headers = {
            "X-MBX-ORDER-COUNT-10S": str(seconds.weight),
            "X-MBX-ORDER-COUNT-1M": str(minute.weight),
        }
        if seconds.weight > most_seconds:
            raise _too_many_orders(
                f"{most_seconds} orders per TEN_SECONDS", headers, seconds.resets_ms - now_ms
            )
        if minute.weight > most:
            raise _too_many_orders(f"{most} orders per MINUTE", headers, minute.resets_ms - now_ms)
        return headers

    def used_weight(self, client: str, now_ms: int) -> int:
        """Weight of this minute."""
        return self._weights.add(client, now_ms, 0).weight

    def _refuse(self, client: str, now_ms: int, resets_ms: int) -> None:
        refused = self._refused.add(client, now_ms)
        if refused.weight > self.rules.ban_after:
            length = min(self.rules.ban_ms << self._bans.get(client, 0), LONGEST_BAN_MS)
            self._bans[client] = self._bans.get(client, 0) + 1
            self._banned_until[client] = now_ms + length
            raise self._banned(client, now_ms + length, now_ms)
        raise VenueError(
            -1003,
            f"Too many requests; current limit of IP({client}) is {self.rules.weight_a_minute} requests per minute. "
            "Please use the websocket for live updates to avoid polling the API.",
            status=429,
            headers={"Retry-After": _seconds(resets_ms - now_ms)},
        )

    def _banned(self, client: str, until: int, now_ms: int) -> VenueError:
        return VenueError(
            -1003,
            f"Way too many requests; IP({client}) banned until {until}. "
            "Please use the websocket for live updates to avoid bans.",
            status=418,
            headers={"Retry-After": _seconds(until - now_ms)},
        )


def _too_many_orders(limit: str, headers: dict[str, str], wait_ms: int) -> VenueError:
    return VenueError(
        -1015,
        f"Too many new orders; current limit is {limit}.",
        status=429,
        headers={**headers, "Retry-After": _seconds(wait_ms)},
    )


def _seconds(length_ms: int) -> str:
    return str(max(-(-length_ms // 1_000), 1))
