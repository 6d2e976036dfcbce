"""What Bybit V5 (linear perpetuals) is said to do, rule by rule, and how we know.

*Documented*: the venue's V5 documentation, as published in July 2026; ``source`` names its page. *Observed*: replies of
the venue that users reported. *Assumed*: neither; the rule is a switch, and its worst position is tested.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from mastertrading.simulator.venue_rules import Evidence, MatchingRules, rule

_DOCUMENTED, _OBSERVED, _ASSUMED = Evidence.DOCUMENTED, Evidence.OBSERVED, Evidence.ASSUMED


@dataclass(frozen=True, slots=True)
class BybitRules:
    """Bybit's rules. Those of the matching engine come first; ``matching`` hands them over."""

    duplicate_id: str = rule(
        "always",
        _ASSUMED,
        "an orderLinkId that was used is refused (110072) 'always', or while its order is 'open', or 'never': the "
        "venue says that it must be unique, and not for how long it remembers",
        worst="never",
        source="order/create-order",
    )
    reduce_only_excess: str = rule(
        "trim",
        _DOCUMENTED,
        "a reduce-only order larger than the position is cut to it; cut to nothing it is refused (110017)",
        source="error",
    )
    reduce_only_sum: bool = rule(
        False, _ASSUMED, "resting reduce-only orders count against a new one", worst=True
    )
    flat_ends_reduce_only: bool = rule(
        True, _ASSUMED, "reduce-only orders end when their position is gone", worst=False
    )
    trigger_makes_new_order: bool = rule(
        False,
        _DOCUMENTED,
        "a conditional order keeps its orderId: Untriggered, Triggered, New",
        source="enum#orderstatus",
    )
    post_only_crossing: str = rule(
        "expire",
        _DOCUMENTED,
        "a PostOnly order that would fill at once is accepted and then cancelled",
        source="order/create-order",
    )
    immediate_trigger: str = rule(
        "refuse",
        _DOCUMENTED,
        "a trigger price on the wrong side of the market is refused (110092, 110093)",
        source="error",
    )
    fill_pieces: int = rule(
        1, _ASSUMED, "into how many executions a fill comes", worst=3, source="order/execution"
    )
    liquidation_by: str = rule(
        "last",
        _ASSUMED,
        "what meets the level of liquidation: the traded 'last' price on its path, as in the backtest, and the mark "
        "when it moves; or only the 'mark', as the venue says",
        worst="last",
    )
    reduce_only_needs_position: bool = rule(
        True, _OBSERVED, "a reduce-only order without a position is refused (110017)", source="error"
    )
    conditional_needs_position: bool = rule(
        False, _ASSUMED, "so is a conditional one", worst=True, source="order/create-order"
    )
    amends_conditional: bool = rule(
        True, _DOCUMENTED, "a conditional order that waits can be amended", source="order/amend-order"
    )

    checks_time: bool = rule(
        True,
        _DOCUMENTED,
        "a timestamp must be near the venue's clock (False: any will do, where the exchange has a time of its own)",
        source="guide",
    )
    recv_window_ms: int = rule(
        5_000, _DOCUMENTED, "the receive window where the client names none", source="guide"
    )
    ahead_ms: int = rule(
        1_000, _DOCUMENTED, "a timestamp must be earlier than the server's clock plus this", source="guide"
    )
    client_id_length: int = rule(
        36, _DOCUMENTED, "letters, digits, - and _ of an orderLinkId", source="order/create-order"
    )
    realtime_keeps: int = rule(
        500, _DOCUMENTED, "closed orders that /v5/order/realtime still tells", source="order/open-order"
    )
    realtime_lag_ms: int = rule(
        0, _ASSUMED, "how long after its acceptance an order is not in /v5/order/realtime", worst=300
    )
    history_lag_ms: int = rule(
        0, _ASSUMED, "how long after its end an order is not in /v5/order/history", worst=3_000
    )
    execution_lag_ms: int = rule(
        0, _ASSUMED, "how long after it happened an execution is not in /v5/execution/list", worst=3_000
    )
    unfilled_kept_ms: int = rule(
        86_400_000,
        _DOCUMENTED,
        "how long /v5/order/history tells of orders that ended without a fill",
        source="order/order-list",
    )
    query_span_ms: int = rule(
        7 * 86_400_000, _DOCUMENTED, "the longest window of a history query", source="order/order-list"
    )
    transaction_span_ms: int = rule(
        86_400_000,
        _DOCUMENTED,
        "the window of /v5/account/transaction-log where only one of its ends is given",
        source="account/transaction-log",
    )
    batch_size: int = rule(20, _DOCUMENTED, "orders of one batch request", source="order/batch-place")
    cancel_all_at_most: int = rule(
        500, _DOCUMENTED, "orders that one cancel-all ends", source="order/cancel-all"
    )
    ip_requests: int = rule(
        600, _DOCUMENTED, "requests of one address within five seconds, else HTTP 403", source="rate-limit"
    )
    ip_window_ms: int = rule(5_000, _DOCUMENTED, "the window of that limit", source="rate-limit")
    ip_ban_ms: int = rule(
        600_000, _DOCUMENTED, "how long an address that exceeded it stays shut out", source="rate-limit"
    )
    limit_window_ms: int = rule(
        1_000, _DOCUMENTED, "the rolling window of the limits per account and path", source="rate-limit"
    )
    connections: int = rule(
        500, _DOCUMENTED, "WebSocket connections of one address within five minutes", source="ws/connect"
    )
    args_characters: int = rule(
        21_000, _DOCUMENTED, "characters of a public connection's topics", source="ws/connect"
    )
    depths: tuple[int, ...] = rule(
        (1, 50, 200, 1000),
        _DOCUMENTED,
        "depths of the order book stream",
        source="websocket/public/orderbook",
    )
    level_one_repeats_ms: int = rule(
        3_000,
        _DOCUMENTED,
        "an unchanged best level is told again after this",
        source="websocket/public/orderbook",
    )
    missing_key_status: int = rule(
        401, _DOCUMENTED, "HTTP status without the authentication headers", source="error"
    )
    wrong_key_status: int = rule(
        200, _ASSUMED, "HTTP status of a key that does not exist (10003); 401 is reported too", worst=401
    )
    unknown_path_body: bool = rule(
        True, _ASSUMED, "an unknown path (HTTP 404) says why in its body (10017)", worst=False
    )
    triggered_state: bool = rule(
        True, _ASSUMED, "the order stream tells of the moment Triggered before New or Filled", worst=False
    )
    news_order: str = rule(
        "execution_first",
        _ASSUMED,
        "which stream tells first of a fill: 'execution_first' or 'order_first'",
        worst="order_first",
    )

    @property
    def matching(self) -> MatchingRules:
        """The part that the matching engine needs."""
        return self.within(MatchingRules())

    def within(self, others: MatchingRules) -> MatchingRules:
        """The engine's rules with the venue's own among them; those that are no venue's stay as they are."""
        ours = {one.name: getattr(self, one.name) for one in fields(others) if hasattr(self, one.name)}
        return replace(others, **ours)
