"""What Binance USDⓈ-M is said to do, rule by rule."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from mastertrading.domain.market import HOUR_MS
from mastertrading.simulator.venue_rules import Evidence, MatchingRules, rule

DAY_MS = 24 * HOUR_MS
_DOCS = "Binance USDⓈ-M API documentation"
_CODES = "error codes of the Binance USDⓈ-M API documentation"


@dataclass(frozen=True, slots=True)
class BinanceRules:
    """The venue's rules, with how we know each. Those that the matching engine follows are in ``matching``."""

    duplicate_id: str = rule(
        "open",
        Evidence.DOCUMENTED,
        "newClientOrderId is unique among open orders only; a filled order's id may be used again",
        source=_DOCS,
    )
    algo_duplicate_code: int = rule(
        -4116,
        Evidence.ASSUMED,
        "the code that refuses a clientAlgoId which an open conditional order has",
        worst=-2010,
    )
    reduce_only_excess: str = rule(
        "trim",
        Evidence.ASSUMED,
        "a reduce-only order larger than the position fills what there is",
        worst="refuse",
    )
    reduce_only_sum: bool = rule(
        False,
        Evidence.ASSUMED,
        "resting reduce-only orders count against a new one (-4118)",
        worst=True,
    )
    flat_ends_reduce_only: bool = rule(
        True,
        Evidence.ASSUMED,
        "reduce-only and close-position orders end (EXPIRED) when their position is gone",
        worst=False,
    )
    reduce_only_needs_position: bool = rule(
        True,
        Evidence.DOCUMENTED,
        "a reduce-only order without a position is refused with -2022",
        source=_CODES,
    )
    conditional_needs_position: bool = rule(
        False,
        Evidence.ASSUMED,
        "so is a conditional one when it is placed; otherwise its trigger finds out",
        worst=True,
    )
    second_close_position: str = rule(
        "refuse",
        Evidence.DOCUMENTED,
        "a second close-position stop (or take-profit) in the same direction is refused with -4130",
        source=_CODES,
    )
    trigger_makes_new_order: bool = rule(
        True,
        Evidence.DOCUMENTED,
        "a triggered conditional order becomes an order with an id of its own (actualOrderId)",
        source=_DOCS,
    )
    post_only_crossing: str = rule(
        "refuse",
        Evidence.DOCUMENTED,
        "a GTX order that would take is refused with -5022 and leaves no record",
        source=_CODES,
    )
    immediate_trigger: str = rule(
        "refuse",
        Evidence.DOCUMENTED,
        "a conditional order whose price is already reached is refused with -2021",
        source=_CODES,
    )
    amends_conditional: bool = rule(
        False,
        Evidence.DOCUMENTED,
        "a conditional order that waits cannot be amended: there is no request for it",
        source=_DOCS,
    )
    liquidation_by: str = rule(
        "last",
        Evidence.ASSUMED,
        "what meets the level of liquidation: the traded 'last' price on its path, as in the backtest, and the mark "
        "when it moves; or only the 'mark', as the venue says",
        worst="last",
    )
    fill_pieces: int = rule(1, Evidence.ASSUMED, "into how many executions one fill comes", worst=3)
    read_lag_ms: int = rule(
        0,
        Evidence.ASSUMED,
        "for so long after it was placed, an order is not yet found by queries",
        worst=300,
    )
    fills_lag_ms: int = rule(
        0, Evidence.ASSUMED, "for so long after it happened, a fill is not yet in userTrades", worst=3_000
    )
    checks_time: bool = rule(
        True,
        Evidence.DOCUMENTED,
        "a timestamp must be near the venue's clock (False: any will do, where the exchange has a time of its own)",
        source=_DOCS,
    )
    clock_ahead_ms: int = rule(
        1_000, Evidence.DOCUMENTED, "how far a timestamp may be ahead of the venue's clock", source=_DOCS
    )
    receive_window_ms: int = rule(
        5_000, Evidence.DOCUMENTED, "how old a request may be when it says nothing", source=_DOCS
    )
    longest_receive_window_ms: int = rule(60_000, Evidence.DOCUMENTED, "largest recvWindow", source=_DOCS)
    weight_a_minute: int = rule(2_400, Evidence.DOCUMENTED, "request weight by address", source=_DOCS)
    orders_a_minute: int = rule(1_200, Evidence.DOCUMENTED, "new orders by account", source=_DOCS)
    orders_in_ten_seconds: int = rule(300, Evidence.DOCUMENTED, "new orders by account", source=_DOCS)
    ban_after: int = rule(
        10, Evidence.ASSUMED, "requests after a 429 in the same minute that lead to a ban (418)", worst=1
    )
    ban_ms: int = rule(
        120_000,
        Evidence.DOCUMENTED,
        "first ban; each further one is twice as long, up to three days",
        source=_DOCS,
    )
    listen_key_ms: int = rule(
        HOUR_MS, Evidence.DOCUMENTED, "a listen key lives so long after its last PUT", source=_DOCS
    )
    unknown_listen_key: str = rule(
        "refuse",
        Evidence.ASSUMED,
        "a stream of a listen key that does not exist: 'refuse' it is not opened, 'silent' it stays empty",
        worst="silent",
    )
    margin_call_percent: int = rule(
        80,
        Evidence.ASSUMED,
        "MARGIN_CALL comes once when the maintenance margin reaches so much of the equity; 0: it never comes",
        worst=0,
    )
    stream_ms: int = rule(
        DAY_MS, Evidence.DOCUMENTED, "a WebSocket connection is cut after so long", source=_DOCS
    )
    messages_a_second: int = rule(
        10, Evidence.DOCUMENTED, "frames that a client may send on a stream; more and it is cut", source=_DOCS
    )
    unfilled_kept_ms: int = rule(
        3 * DAY_MS,
        Evidence.DOCUMENTED,
        "a cancelled or expired order without a fill is forgotten after so long",
        source=_DOCS,
    )
    orders_kept_ms: int = rule(
        90 * DAY_MS, Evidence.DOCUMENTED, "any order is forgotten after so long", source=_DOCS
    )
    longest_query_ms: int = rule(
        7 * DAY_MS, Evidence.DOCUMENTED, "largest window of a query of orders, fills or income", source=_DOCS
    )

    @property
    def matching(self) -> MatchingRules:
        """The part that the matching engine follows."""
        return self.within(MatchingRules())

    def within(self, others: MatchingRules) -> MatchingRules:
        """The same; rules of the engine that are no venue's stay as they are."""
        own = {one.name for one in fields(self)} & {one.name for one in fields(others)}
        return replace(others, **{name: getattr(self, name) for name in own})
