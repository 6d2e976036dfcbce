"""What each venue can do, and how far back it can be asked: one table, so that no code asks for a venue's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mastertrading.domain.market import DAY_MS, HOUR_MS


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One venue.

    Attributes
    ----------
    attached_stop
        An entry may bring its stop along, in one request.
    close_position
        A conditional order may close whatever the position is when it triggers. (Bybit's order of size nought takes
        the size that the position has when it is placed; what follows the position there has no client id.)
    amend
        A resting order can be changed in place. We do not: a new stop is placed before the old one is cancelled.
    conditional_apart
        Conditional orders live in a book of their own, with ids and endpoints of their own.
    trigger_makes_new_order
        A conditional order that triggers becomes an order with another id.
    hedge
        The venue can keep a long and a short position of one instrument apart.
    margin_mode_account_wide
        Cross or isolated is a property of the account, not of the instrument.
    ack_is_asynchronous
        A good reply says that the request was taken, not that the order is on the book.
    fills_name_client_id
        Executions carry the client id of their order.
    duplicate_id_scope
        Among which orders a client id is refused a second time, as documented; never relied on.
    lookup_unfilled_ms, lookup_ms
        How long an order without fills, and any order, can be found by its client id.
    visibility_ms
        How long after its deadline an order may still come to light; absence before that proves nothing.
    recv_window_ms
        How old a request may be when the venue sees it (0: cannot be said).
    fills_window_ms, fills_ms
        Longest range of one question after executions, and how far back.
    testnet, demo
        Whether ccxt has such hosts for it.
    """

    attached_stop: bool
    close_position: bool
    amend: bool
    conditional_apart: bool
    trigger_makes_new_order: bool
    hedge: bool
    margin_mode_account_wide: bool
    ack_is_asynchronous: bool
    fills_name_client_id: bool
    duplicate_id_scope: str
    lookup_unfilled_ms: int
    lookup_ms: int
    visibility_ms: int
    recv_window_ms: int
    fills_window_ms: int
    fills_ms: int
    testnet: bool
    demo: bool


CAPABILITIES: Mapping[str, Capabilities] = {
    "binance_usdm": Capabilities(
        attached_stop=False,
        close_position=True,
        amend=True,
        conditional_apart=True,
        trigger_makes_new_order=True,
        hedge=True,
        margin_mode_account_wide=False,
        ack_is_asynchronous=False,
        fills_name_client_id=False,
        duplicate_id_scope="open",
        lookup_unfilled_ms=3 * DAY_MS,
        lookup_ms=90 * DAY_MS,
        visibility_ms=30_000,
        recv_window_ms=5_000,
        fills_window_ms=7 * DAY_MS,
        fills_ms=180 * DAY_MS,
        testnet=False,
        demo=True,
    ),
    "bybit_linear": Capabilities(
        attached_stop=True,
        close_position=False,
        amend=True,
        conditional_apart=False,
        trigger_makes_new_order=False,
        hedge=True,
        margin_mode_account_wide=True,
        ack_is_asynchronous=True,
        fills_name_client_id=True,
        duplicate_id_scope="always",
        lookup_unfilled_ms=DAY_MS,
        lookup_ms=730 * DAY_MS,
        visibility_ms=30_000,
        recv_window_ms=5_000,
        fills_window_ms=7 * DAY_MS,
        fills_ms=730 * DAY_MS,
        testnet=True,
        demo=True,
    ),
    "kucoin_futures": Capabilities(
        attached_stop=False,
        close_position=True,
        amend=False,
        conditional_apart=True,
        trigger_makes_new_order=True,
        hedge=True,
        margin_mode_account_wide=False,
        ack_is_asynchronous=True,
        fills_name_client_id=False,
        duplicate_id_scope="open",
        lookup_unfilled_ms=DAY_MS,
        lookup_ms=7 * DAY_MS,
        visibility_ms=30_000,
        recv_window_ms=0,
        fills_window_ms=7 * DAY_MS,
        fills_ms=90 * DAY_MS,
        testnet=False,
        demo=False,
    ),
    "bingx_swap": Capabilities(
        attached_stop=True,
        close_position=True,
        amend=False,
        conditional_apart=False,
        trigger_makes_new_order=False,
        hedge=True,
        margin_mode_account_wide=False,
        ack_is_asynchronous=False,
        fills_name_client_id=False,
        duplicate_id_scope="open",
        lookup_unfilled_ms=2 * HOUR_MS,
        lookup_ms=2 * HOUR_MS,
        visibility_ms=30_000,
        recv_window_ms=5_000,
        fills_window_ms=7 * DAY_MS,
        fills_ms=30 * DAY_MS,
        testnet=False,
        demo=True,
    ),
}
"""By our name of the venue. The gateways of the last two do not exist yet."""
