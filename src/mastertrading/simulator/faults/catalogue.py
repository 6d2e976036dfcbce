"""Every fault by its id, and what is said of those that belong elsewhere.

Ids are those of the catalogue in ``docs/faults.md``. Some have variants (``X16/maintenance``): another place, the
same id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from mastertrading.domain.errors import ConfigError
from mastertrading.simulator.faults import acts, codes, market_data, network, refusals, sights
from mastertrading.simulator.faults.fault import Fault, When, parameter
from mastertrading.simulator.faults.kinds import KINDS, TABLES


@dataclass(frozen=True, slots=True)
class Entry:
    """A fault of the catalogue.

    How it is made, where it acts, what its parameters are drawn from, and what other words they may be.
    """

    make: type[Fault]
    where: str
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


REQUEST, REPLY, STREAM, STATE, MARKET = "request", "reply", "stream", "exchange", "market data"

CATALOGUE: dict[str, Entry] = {
    "N01": Entry(network.ConnectRefused, REQUEST),
    "N02": Entry(network.NoName, REQUEST),
    "N03": Entry(network.BadCertificate, REQUEST),
    "N04": Entry(network.HangsBeforeSending, REQUEST),
    "N05": Entry(network.RequestLost, REQUEST),
    "N06": Entry(network.ReplyLost, REPLY),
    "N07": Entry(network.LateArrival, REQUEST, {"largest_ms": (2_000, 6_000, 20_000)}),
    "N08": Entry(network.CutAfterAccept, REPLY),
    "N09": Entry(network.Truncated, REPLY, {"share": (0.1, 0.5, 0.9)}),
    "N10": Entry(network.HalfOpen, STREAM),
    "N11": Entry(network.Silent, STREAM),
    "N12": Entry(network.Disordered, STREAM, {"mode": ("duplicate", "late", "reorder")}),
    "N13": Entry(network.Gap, STREAM),
    "N14": Entry(network.ReconnectStorm, STREAM, {"every_ms": (2_000, 10_000)}),
    "N15": Entry(network.SlowDrip, REPLY),
    "N16": Entry(
        network.ProxyAnswers, REPLY, {"status": (200, 403, 502, 503, 504), "accepted": (False, True)}
    ),
    "N17": Entry(network.RouteChanged, STREAM),
    "N18": Entry(network.Swizzle, REQUEST),
    "X01": Entry(
        codes.UnknownOutcome,
        REPLY,
        {
            "word": ("timeout", "unexpected", "unknown", "disconnected", "busy"),
            "accepted": (True, False),
        },
    ),
    "X02": Entry(codes.NewCode, REPLY, {"accepted": (True, False)}),
    "X03": Entry(codes.HollowReply, REPLY, {"body": tuple(codes.BODIES)}),
    "X04": Entry(codes.Banned, REPLY, {"word": ("limit", "ban")}),
    "X05": Entry(acts.DuplicatesAccepted, STATE),
    "X06": Entry(acts.DuplicatesRefused, STATE),
    "X07": Entry(sights.ReadLag, STATE),
    "X08": Entry(sights.NoPositions, STATE),
    "X09": Entry(sights.PageMissing, REPLY),
    "X10": Entry(sights.Inconsistent, STATE, {"hides": ("open", "history")}),
    "X11": Entry(sights.StopsElsewhere, STATE),
    "X12": Entry(acts.NoLiquidity, STATE),
    "X13": Entry(refusals.ReduceOnlyRefused, REPLY, {"word": ("reduce_only", "reduce_only_sum")}),
    "X14": Entry(acts.RulesChanged, STATE, {"what": ("min_notional", "min_lots")}, {"what": ("tick", "lot")}),
    "X15": Entry(acts.Delisted, STATE, {"phase": ("closed", "settled")}),
    "X16": Entry(acts.Phase, STATE, {"phase": ("cancel_only", "post_only")}, {"phase": ("closed",)}),
    "X16/maintenance": Entry(codes.Maintenance, REPLY),
    "X17": Entry(refusals.PriceRefused, REPLY, {"word": ("band", "trigger")}),
    "X18": Entry(acts.PartialThenCancelled, STATE),
    "X19": Entry(acts.FillsMeanwhile, STATE),
    "X20": Entry(acts.Liquidated, STATE, {"share": (1.0, 0.5)}),
    "X21": Entry(acts.Deleveraged, STATE),
    "X22": Entry(acts.Foreign, STATE, {"what": ("order", "position", "transfer")}),
    "X23": Entry(acts.ModeSwitched, STATE, {"what": ("leverage", "margin", "position")}),
    "X24": Entry(acts.FundingChanges, STATE, {"rate_e8": (750_000, -750_000)}),
    "X25": Entry(acts.FeesChanged, STATE),
    "X25/coin": Entry(refusals.FeeInThirdAsset, REPLY),
    "X26": Entry(acts.MarginChanged, STATE, {"what": ("tiers", "money")}),
    "X27": Entry(acts.KeyLost, STATE, {"what": ("revoked", "permission")}),
    "X27/address": Entry(refusals.AddressRefused, REPLY),
    "X28": Entry(refusals.SpoiltFills, REPLY, {"what": ("fee", "ids")}),
    "X29": Entry(market_data.WrongTimes, REPLY, {"what": ("us", "s", "jump")}),
    "X30": Entry(acts.OrderLimit, STATE),
    "X31": Entry(acts.Wick, STATE, {"what": ("last", "mark")}),
    "X32": Entry(acts.WalletDrift, STATE),
    "X33": Entry(sights.WrongOrderOfNews, STATE, {"first": ("stream", "rest")}),
    "C05": Entry(sights.ServerClock, STATE),
    "D01": Entry(market_data.NotANumber, MARKET, {"value": ("NaN", "null", "inf")}),
    "D02": Entry(market_data.MissingBars, MARKET),
    "D03": Entry(market_data.RepeatedBar, MARKET),
    "D04": Entry(market_data.BarsOutOfOrder, MARKET),
    "D05": Entry(market_data.Outlier, MARKET, {"factor": (10.0, 0.1)}),
    "D06": Entry(market_data.ImpossiblePrice, MARKET, {"price": ("0", "-1")}),
    "D07": Entry(market_data.HighBelowLow, MARKET),
    "D08": Entry(market_data.NoVolume, MARKET),
    "D09": Entry(market_data.StuckTime, MARKET),
    "D10": Entry(market_data.RevisedBar, MARKET),
    "D11": Entry(market_data.OtherSymbol, MARKET),
    "D12": Entry(market_data.WrongUnit, MARKET, {"what": ("zone", "volume")}),
    "D13": Entry(market_data.BadBook, MARKET, {"mode": ("crossed", "stale")}),
    "D14": Entry(market_data.LateBar, MARKET),
}

ELSEWHERE: dict[str, str] = {
    "P01-P12": "processes: what kills and restarts a client is outside of the exchange",
    "B01-B12": "databases and disks: a client's own",
    "C01-C04, C06": "the client's own clocks; the venue's is C05",
    "H01-H08": "operators: a client's own door (what they do by hand at the venue is X22)",
    "G01-G08": "configuration and models: a client's own",
}

CAN_BE: dict[str, tuple[Callable[[Any], bool], str]] = {
    "kinds": (lambda kinds: kinds <= KINDS, f"there are {', '.join(sorted(KINDS))}"),
    "venue": (lambda venue: not venue or venue in TABLES, f"there are {', '.join(TABLES)}"),
    "from_ms": (lambda ms: ms >= 0, "milliseconds since 1970"),
    "until_ms": (lambda ms: ms >= 0, "milliseconds since 1970"),
    "nth": (lambda nth: all(type(n) is int and n > 0 for n in nth), "occasions are counted from 1"),
    "chance": (lambda chance: 0 < chance <= 1, "it is above 0 and at most 1"),
    "most": (lambda most: most >= 0, "0: as often as there are occasions"),
}
OF_WHEN = frozenset(When.__dataclass_fields__)
SETS = frozenset({"kinds", "nth"})


def make(key: str, *, seed: int = 0, **given: Any) -> Fault:
    """A fault by its id; parameters of ``When`` and its own in one.

    Raises
    ------
    ConfigError
        For an id or a parameter that there is not, or a value that it can't have.
    """
    entry = CATALOGUE.get(key)
    if entry is None:
        raise ConfigError(f"there is no fault {key!r}", why=f"there are {', '.join(CATALOGUE)}")
    when = When(**{name: _of_when(name, given.pop(name)) for name in tuple(given) if name in OF_WHEN})
    own = {one.name: one for one in fields(entry.make) if one.init}
    for name in ("when", "seed"):
        own.pop(name)
    unknown = set(given) - set(own)
    if unknown:
        raise ConfigError(
            f"{key} has no parameter {', '.join(sorted(unknown))}",
            why=f"it has {', '.join([*own, *sorted(OF_WHEN)])}",
        )
    checked = {
        name: parameter(given, name, type(own[name].default), None)
        for name in given
        if own[name].default.__class__ in (int, str, float, bool)
    }
    _check_words(key, entry, checked)
    fault = entry.make(when=when, seed=seed, **{**given, **checked})
    fault.key = key
    return fault


def _check_words(key: str, entry: Entry, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        words = [*entry.choices.get(name, ()), *entry.also.get(name, ())]
        if isinstance(value, str) and words and value not in words:
            raise ConfigError(f"{key} has no {name} {value!r}", why=f"it has {', '.join(words)}")
        if name == "factor" and isinstance(value, str) and not _is_decimal(value):
            raise ConfigError(f"{key}: factor must be a decimal above 0, not {value!r}")


def _is_decimal(text: str) -> bool:
    try:
        return Decimal(text).is_finite() and Decimal(text) > 0
    except InvalidOperation:
        return False


def _of_when(name: str, value: Any) -> Any:
    if name in SETS:
        value = frozenset([value] if isinstance(value, int | str) else value)
    else:
        value = parameter({name: value}, name, type(getattr(When(), name)), None)
    can, why = CAN_BE[name]
    if not can(value):
        told = sorted(map(str, value)) if isinstance(value, frozenset) else value
        raise ConfigError(f"a fault's {name} can't be {told}", why=why)
    return value
