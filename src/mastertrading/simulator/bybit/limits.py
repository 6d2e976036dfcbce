"""How often one may ask: per account and path within a rolling second, per address within five seconds.

Per account and path: reply header ``X-Bapi-Limit`` and its kin, ``retCode`` 10006 beyond it. Per address: HTTP 403
and ten minutes outside. A batch counts its orders.
"""

from __future__ import annotations

from mastertrading.simulator.bybit.codes import Code, Wrong
from mastertrading.simulator.bybit.rules import BybitRules
from mastertrading.simulator.limits import RollingWindow

PER_SECOND: dict[str, int] = {
    "/v5/order/create": 10,
    "/v5/order/amend": 10,
    "/v5/order/cancel": 10,
    "/v5/order/cancel-all": 10,
    "/v5/order/create-batch": 10,
    "/v5/order/amend-batch": 10,
    "/v5/order/cancel-batch": 10,
    "/v5/order/disconnected-cancel-all": 5,
    "/v5/order/pre-check": 10,
    "/v5/order/realtime": 50,
    "/v5/order/history": 50,
    "/v5/execution/list": 50,
    "/v5/position/list": 50,
    "/v5/position/closed-pnl": 50,
    "/v5/position/set-leverage": 10,
    "/v5/position/switch-mode": 10,
    "/v5/position/switch-isolated": 10,
    "/v5/position/set-risk-limit": 10,
    "/v5/position/trading-stop": 10,
    "/v5/position/set-auto-add-margin": 10,
    "/v5/position/add-margin": 10,
    "/v5/account/wallet-balance": 50,
    "/v5/account/fee-rate": 5,
    "/v5/account/info": 50,
    "/v5/account/transaction-log": 25,
    "/v5/account/collateral-info": 50,
    "/v5/account/set-margin-mode": 5,
    "/v5/user/query-api": 10,
    "/v5/asset/coin/query-info": 5,
    "/v5/asset/transfer/query-account-coins-balance": 5,
}
"""Documented defaults (rate-limit); a path that is not here has the default of 50."""

DEFAULT = 50


class Limits:
    """What accounts and addresses have used. ``scale`` multiplies every limit; None switches them off."""

    def __init__(self, rules: BybitRules, scale: int | None = 1) -> None:
        self.scale = scale
        self._rules = rules
        self._paths = RollingWindow(rules.limit_window_ms)
        self._addresses = RollingWindow(rules.ip_window_ms)
        self._shut_out: dict[str, int] = {}

    def admit(self, address: str, now_ms: int) -> None:
        """Count a request of an address.

        Raises
        ------
        Wrong
            HTTP 403 if it asked too often, and for ten minutes after.
        """
        if self.scale is None:
            return
        until = self._shut_out.get(address, 0)
        limit = self._rules.ip_requests * self.scale
        if now_ms >= until and self._addresses.add(address, now_ms, limit).weight <= limit:
            return
        if now_ms >= until:
            self._shut_out[address] = now_ms + self._rules.ip_ban_ms
        raise Wrong(Code.ADDRESS_LIMIT, "access too frequent", status=403)

    def left(self, account: str, path: str, now_ms: int) -> int:
        """How many more requests (or orders of a batch) an account may send now."""
        if self.scale is None:
            return 10**9
        limit = PER_SECOND.get(path, DEFAULT) * self.scale
        return limit - self._paths.add((account, path), now_ms, limit, 0).weight

    def take(self, account: str, path: str, now_ms: int, weight: int = 1) -> dict[str, str]:
        """Count a request of an account; the headers that its reply carries.

        Raises
        ------
        Visits
            10006, with the headers that tell when to come back.
        """
        if self.scale is None:
            return {}
        limit = PER_SECOND.get(path, DEFAULT) * self.scale
        used = self._paths.add((account, path), now_ms, limit, weight)
        headers = {
            "X-Bapi-Limit": str(limit),
            "X-Bapi-Limit-Status": str(max(0, limit - used.weight)),
            "X-Bapi-Limit-Reset-Timestamp": str(used.resets_ms),
        }
        if used.weight > limit:
            raise Visits(headers)
        return headers


class Visits(Wrong):
    """10006: too many visits."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(Code.TOO_MANY_VISITS)
        self.headers = headers
