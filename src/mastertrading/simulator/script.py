"""What happens at the exchange besides prices: acts at a time, or once something has come about.

::

    [[act]]
    do = "transfer"          # a deposit, without anybody asking
    at = 2025-06-01T00:30:00Z
    account = "me"
    amount = "250"

    [[act]]
    do = "deleverage"        # a minute after the first position is held
    when = { account = "me", holds = "BTCUSDT" }
    after_s = 60
    account = "me"
    symbol = "BTCUSDT"

Prices, sizes and money are decimals in the units of the venue; ``ACTS`` lists what can be done, with its words. An act
that the exchange refuses is written down in ``Script.log`` and harms nobody.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

from mastertrading.domain.errors import ConfigError
from mastertrading.domain.instrument import ATOMS_PER_UNIT, RATE_UNIT, MarginTier, canonical_symbol
from mastertrading.domain.market import HOUR_MS
from mastertrading.domain.orders import BUY, SELL, MarginMode, OrderKind, TimeInForce
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.listing import Listing, Trading
from mastertrading.simulator.orders import Cause, Leg, NewOrder, Refused, Watch

Words = Mapping[str, Any]


class Done(NamedTuple):
    """An act that was done; ``refused``: why not, if not."""

    ts_ms: int
    do: str
    refused: str


@dataclass(frozen=True, slots=True)
class When:
    """Something to wait for. All that is set must hold.

    Attributes
    ----------
    holds
        The account has a position in this instrument.
    rests
        The account has an open order of this instrument.
    fills
        The account has had so many fills.
    symbol, above, below
        The last price of an instrument is at or beyond a level.
    """

    account: str = ""
    holds: str = ""
    rests: str = ""
    fills: int = 0
    symbol: str = ""
    above: Decimal | None = None
    below: Decimal | None = None

    def is_so(self, exchange: Exchange) -> bool:
        """Whether it has come about."""
        account = exchange.accounts.get(self.account)
        if self.account and account is None:
            return False
        if account is not None:
            if self.holds and not any(account.held(self.holds)):
                return False
            if self.rests and not any(o.symbol == self.rests for o in account.open.values()):
                return False
            if len(account.executions) < self.fills:
                return False
        return self._price_is_there(exchange)

    def _price_is_there(self, exchange: Exchange) -> bool:
        if not self.symbol:
            return True
        px = exchange.listings[self.symbol].px(exchange.markets[self.symbol].last_ticks)
        return (self.above is None or px >= self.above) and (self.below is None or px <= self.below)


@dataclass(slots=True)
class Act:
    """One thing to do, once: at a moment, or so long after a condition holds for the first time."""

    do: str
    words: Words = field(default_factory=dict)
    at_ms: int | None = None
    when: When | None = None
    after_ms: int = 0
    is_done: bool = False

    def is_due(self, exchange: Exchange) -> bool:
        """Whether it is to be done now; a condition that holds starts the clock of ``after_ms``."""
        now = exchange.clock.now_ms()
        if self.at_ms is None:
            if self.when is not None and not self.when.is_so(exchange):
                return False
            self.at_ms = now + self.after_ms
        return now >= self.at_ms


class Script:
    """Acts in the order in which they are to be looked at."""

    def __init__(self, acts: Sequence[Act] = ()) -> None:
        for act in acts:
            check_words(act.do, act.words)
        self.acts = list(acts)
        self.log: list[Done] = []

    def check(self, exchange: Exchange) -> None:
        """Make sure that every account and instrument is there. Raises ``ConfigError``."""
        for act in self.acts:
            when = act.when or When()
            accounts = (act.words.get("account", ""), when.account)
            symbol = str(act.words.get("symbol", ""))
            symbols = (symbol and canonical_symbol(symbol), when.symbol, when.holds, when.rests)
            for what, names, there in (
                ("account", accounts, exchange.accounts),
                ("instrument", symbols, exchange.listings),
            ):
                missing = [str(name) for name in names if name and str(name) not in there]
                if missing:
                    raise ConfigError(
                        f"the act {act.do!r} names an {what} that is not there: {missing[0]}",
                        why=f"there are {', '.join(there)}",
                    )

    def run(self, exchange: Exchange) -> None:
        """Do what is due."""
        if not self.acts:
            return
        for act in self.acts:
            if not act.is_done and act.is_due(exchange):
                act.is_done = True
                self._do(exchange, act)
        self.acts = [act for act in self.acts if not act.is_done]

    def _do(self, exchange: Exchange, act: Act) -> None:
        refused = ""
        try:
            ACTS[act.do].do(exchange, act.words)
        except Refused as refusal:
            refused = str(refusal)
        except (KeyError, ValueError, InvalidOperation) as error:
            raise ConfigError(f"the act {act.do!r} can't be done", why=repr(error)) from error
        self.log.append(Done(exchange.clock.now_ms(), act.do, refused))


def read_script(path: Path) -> Script:
    """Read a script from TOML or JSON. Raises ``ConfigError``."""
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text, parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise ConfigError("the script can't be read", why=str(error), where=str(path)) from error
    return script_of(data)


def script_of(data: Words) -> Script:
    """A script from the words of a file. Raises ``ConfigError``."""
    if set(data) != {"act"} or not isinstance(data["act"], Sequence):
        raise ConfigError("a script is a list of acts", why=f"this one has {', '.join(data) or 'nothing'}")
    return Script([_act_of(dict(words)) for words in data["act"]])


def check_words(do: str, words: Words) -> None:
    """Make sure that there is such an act, that it has the words that it needs, and no others.

    Raises
    ------
    ConfigError
    """
    doing = ACTS.get(do)
    if doing is None:
        raise ConfigError(f"a script can't {do!r}", why=f"it can {', '.join(ACTS)}")
    missing, strange = doing.needs - words.keys(), words.keys() - doing.needs - doing.may
    if missing or strange:
        raise ConfigError(
            f"the act {do!r} has {'strange' if strange else 'too few'} words",
            why=", ".join(sorted(strange or missing)),
            hint=f"it needs {', '.join(sorted(doing.needs))}; it may have {', '.join(sorted(doing.may)) or 'no more'}",
        )


def _act_of(words: dict[str, Any]) -> Act:
    do, at, when = str(words.pop("do", "")), words.pop("at", None), words.pop("when", None)
    after = words.pop("after_s", 0)
    condition = None
    if when is not None:
        given: dict[str, Any] = {
            k: Decimal(str(v)) if k in ("above", "below") else v for k, v in when.items()
        }
        try:
            condition = When(**given)
        except TypeError as error:
            raise ConfigError(f"the condition of {do!r} is not understood", why=str(error)) from error
    return Act(do, words, None if at is None else _moment(at), condition, int(Decimal(str(after)) * 1000))


def _moment(at: Any) -> int:
    if isinstance(at, int):
        return at
    when = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return round(when.timestamp() * 1000)


# ---------------------------------------------------------------- acts
def _ticks(listing: Listing, px: Any) -> int:
    ticks = listing.ticks_of(Decimal(str(px)))
    if ticks is None:
        raise ValueError(f"{px} is not on the grid of {listing.symbol}")
    return ticks


def _lots(listing: Listing, qty: Any) -> int:
    lots = listing.lots_of(Decimal(str(qty)))
    if lots is None:
        raise ValueError(f"{qty} is not on the grid of {listing.symbol}")
    return lots


def _listing(exchange: Exchange, words: Words) -> Listing:
    return exchange.listings[canonical_symbol(str(words["symbol"]))]


def _leg(words: Words) -> Leg:
    return Leg(words.get("leg", "net"))


def _rate(words: Words, name: str) -> int:
    return int(Decimal(str(words[name])) * RATE_UNIT)


def _transfer(exchange: Exchange, words: Words) -> None:
    account = exchange.accounts[words["account"]]
    exchange.transfer(account, int(Decimal(str(words["amount"])) * ATOMS_PER_UNIT))


def _order(exchange: Exchange, words: Words) -> None:
    listing = _listing(exchange, words)
    trigger, limit = words.get("trigger"), words.get("price")
    side = {"buy": BUY, "sell": SELL}[words["side"]]
    watch = None
    if trigger is not None:
        level = _ticks(listing, trigger)
        watch = Watch(level, level > exchange.markets[listing.symbol].last_ticks)
    new = NewOrder(
        symbol=listing.symbol,
        order_side=side,
        kind=OrderKind.MARKET if limit is None else OrderKind.LIMIT,
        lots=0 if words.get("close") else _lots(listing, words["qty"]),
        limit_ticks=0 if limit is None else _ticks(listing, limit),
        watch=watch,
        time_in_force=TimeInForce(words.get("time_in_force", "gtc")),
        reduce_only=bool(words.get("reduce_only", False)),
        close_position=bool(words.get("close", False)),
        leg=_leg(words),
        client_id=str(words.get("client_id", "")),
        conditional=watch is not None,
    )
    exchange.place(exchange.accounts[words["account"]], new, Cause.FOREIGN)


def _cancel_all(exchange: Exchange, words: Words) -> None:
    symbol = _listing(exchange, words).symbol if "symbol" in words else None
    exchange.cancel_all(exchange.accounts[words["account"]], symbol)


def _deleverage(exchange: Exchange, words: Words) -> None:
    listing, account = _listing(exchange, words), exchange.accounts[words["account"]]
    exchange.deleverage(
        account,
        listing.symbol,
        _leg(words),
        lots=_lots(listing, words["qty"]) if "qty" in words else None,
        px_ticks=_ticks(listing, words["price"]) if "price" in words else None,
    )


def _liquidate(exchange: Exchange, words: Words) -> None:
    listing, account = _listing(exchange, words), exchange.accounts[words["account"]]
    lots = _lots(listing, words["qty"]) if "qty" in words else None
    exchange.liquidate(account, listing.symbol, _leg(words), lots=lots)


def _leverage(exchange: Exchange, words: Words) -> None:
    account = exchange.accounts[words["account"]]
    exchange.set_leverage(account, _listing(exchange, words).symbol, int(words["leverage"]))


def _margin_mode(exchange: Exchange, words: Words) -> None:
    account = exchange.accounts[words["account"]]
    exchange.set_margin_mode(account, _listing(exchange, words).symbol, MarginMode(words["mode"]))


def _position_mode(exchange: Exchange, words: Words) -> None:
    exchange.set_position_mode(exchange.accounts[words["account"]], bool(words["hedged"]))


def _funding(exchange: Exchange, words: Words) -> None:
    exchange.set_funding(
        _listing(exchange, words).symbol,
        rate_e8=_rate(words, "rate") if "rate" in words else None,
        interval_ms=int(words["interval_h"]) * HOUR_MS if "interval_h" in words else None,
    )


def _fees(exchange: Exchange, words: Words) -> None:
    names = {"taker": "taker_e8", "maker": "maker_e8", "liquidation": "liquidation_e8"}
    changes = {names[name]: _rate(words, name) for name in names if name in words}
    exchange.change_listing(_listing(exchange, words).symbol, **changes)


def _steps(exchange: Exchange, words: Words) -> None:
    changes = {name: Decimal(str(words[name])) for name in ("tick", "lot", "min_notional") if name in words}
    exchange.change_listing(_listing(exchange, words).symbol, **changes)


def _tiers(exchange: Exchange, words: Words) -> None:
    tiers = tuple(MarginTier(Decimal(str(floor)), Decimal(str(rate))) for floor, rate in words["tiers"])
    exchange.change_listing(_listing(exchange, words).symbol, tiers=tiers)


def _phase(exchange: Exchange, words: Words) -> None:
    exchange.halt(_listing(exchange, words).symbol, Trading(words["phase"]))


def _delist(exchange: Exchange, words: Words) -> None:
    listing = _listing(exchange, words)
    exchange.delist(listing.symbol, _ticks(listing, words["price"]) if "price" in words else None)


def _wick(exchange: Exchange, words: Words) -> None:
    """The last price goes to a level and comes back, and the mark does not move."""
    listing = _listing(exchange, words)
    back = exchange.markets[listing.symbol].last_ticks
    exchange.travel(listing.symbol, _ticks(listing, words["price"]))
    exchange.travel(listing.symbol, back)


def _mark(exchange: Exchange, words: Words) -> None:
    """The mark goes to a level, and the last price does not move."""
    listing = _listing(exchange, words)
    index = exchange.markets[listing.symbol].index_ticks
    exchange.set_marks({listing.symbol: (_ticks(listing, words["price"]), index)})


class Doing(NamedTuple):
    """How an act is done, and with which words."""

    do: Callable[[Exchange, Words], None]
    needs: frozenset[str]
    may: frozenset[str]


def _with(do: Callable[[Exchange, Words], None], needs: str, may: str = "") -> Doing:
    return Doing(do, frozenset(needs.split()), frozenset(may.split()))


ACTS: dict[str, Doing] = {
    "transfer": _with(_transfer, "account amount"),
    "order": _with(
        _order,
        "account symbol side",
        "qty close price trigger time_in_force reduce_only leg client_id",
    ),
    "cancel_all": _with(_cancel_all, "account", "symbol"),
    "deleverage": _with(_deleverage, "account symbol", "leg qty price"),
    "liquidate": _with(_liquidate, "account symbol", "leg qty"),
    "leverage": _with(_leverage, "account symbol leverage"),
    "margin_mode": _with(_margin_mode, "account symbol mode"),
    "position_mode": _with(_position_mode, "account hedged"),
    "funding": _with(_funding, "symbol", "rate interval_h"),
    "fees": _with(_fees, "symbol", "taker maker liquidation"),
    "steps": _with(_steps, "symbol", "tick lot min_notional"),
    "tiers": _with(_tiers, "symbol tiers"),
    "phase": _with(_phase, "symbol phase"),
    "delist": _with(_delist, "symbol", "price"),
    "wick": _with(_wick, "symbol price"),
    "mark": _with(_mark, "symbol price"),
}
"""What a script can do, by name."""
