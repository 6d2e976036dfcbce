"""Paper, testnet, live: which hosts a process may reach, and what live trading needs before it may begin.

Live needs two switches that nobody sets by one mistake: ``mode = "live"`` in the configuration, and the account's
name said once more outside of it. Then the venue's own name of the account must be the one that was written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from mastertrading.domain.errors import SafetyBlocked, UsageError
from mastertrading.domain.orders import AccountFacts

if TYPE_CHECKING:
    from mastertrading.settings.schema import Exchange as ExchangeSettings

SWITCH = "MASTERTRADING_LIVE"
"""The environment variable that names the account once more."""


class Mode(StrEnum):
    """Who fills the orders."""

    PAPER = "paper"
    """We do, on live prices; no key is loaded and nothing that needs one leaves."""
    TESTNET = "testnet"
    """The venue's test or demo site."""
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Site:
    """The hosts of one venue in one mode.

    Attributes
    ----------
    trading
        Hosts that may be asked anything.
    public
        Hosts that may only be asked what needs no key.
    network
        What ccxt has to be switched to: ``production``, ``demo``, ``testnet``.
    """

    venue: str
    mode: Mode
    trading: frozenset[str]
    public: frozenset[str] = frozenset()
    network: str = "production"


LIVE_HOSTS: Mapping[str, frozenset[str]] = {
    "binance_usdm": frozenset({"fapi.binance.com", "fstream.binance.com", "api.binance.com"}),
    "bybit_linear": frozenset({"api.bybit.com", "stream.bybit.com"}),
    "kucoin_futures": frozenset({"api-futures.kucoin.com", "api.kucoin.com"}),
    "bingx_swap": frozenset({"open-api.bingx.com", "open-api-swap.bingx.com"}),
}
"""By our name of the venue. ``api.binance.com`` tells the rights of a key; no order goes there."""

TEST_SITES: Mapping[str, Mapping[str, Site]] = {
    "binance_usdm": {
        "demo": Site(
            "binance_usdm",
            Mode.TESTNET,
            frozenset({"demo-fapi.binance.com", "fstream.binancefuture.com"}),
            network="demo",
        )
    },
    "bybit_linear": {
        "demo": Site(
            "bybit_linear",
            Mode.TESTNET,
            frozenset({"api-demo.bybit.com", "stream-demo.bybit.com"}),
            public=frozenset({"stream.bybit.com"}),
            network="demo",
        ),
        "testnet": Site(
            "bybit_linear",
            Mode.TESTNET,
            frozenset({"api-testnet.bybit.com", "stream-testnet.bybit.com"}),
            network="testnet",
        ),
    },
    "bingx_swap": {
        "demo": Site("bingx_swap", Mode.TESTNET, frozenset({"open-api-vst.bingx.com"}), network="testnet")
    },
}
"""The first one of a venue is taken where the configuration does not say which."""


def site_of(venue: str, mode: Mode, network: str = "") -> Site:
    """The hosts that a process in some mode may reach.

    Raises
    ------
    UsageError
        If there is no such venue.
    SafetyBlocked
        If the venue has no test site.
    """
    if venue not in LIVE_HOSTS:
        raise UsageError(f"there is no venue {venue!r}", why=f"there are {', '.join(LIVE_HOSTS)}")
    if mode is Mode.LIVE:
        return Site(venue, mode, LIVE_HOSTS[venue])
    if mode is Mode.PAPER:
        return Site(venue, mode, frozenset(), public=LIVE_HOSTS[venue] - {"api.binance.com"})
    sites = TEST_SITES.get(venue, {})
    if not sites or (network and network not in sites):
        raise SafetyBlocked(
            f"{venue} has no {network or 'test'} site that ccxt knows",
            why=f"it has {', '.join(sites)}" if sites else "the venue closed it",
            where="exchange.mode",
            hint='use mode = "paper", or the local exchange: mastertrading exchange serve',
        )
    return sites[network] if network else next(iter(sites.values()))


@dataclass(frozen=True, slots=True)
class Permit:
    """What a process may do, settled before it opens a connection.

    Attributes
    ----------
    account
        Our name of the account.
    account_id
        The venue's own name of it.
    unknown_rights
        Keys whose rights the venue does not tell are accepted.
    """

    site: Site
    account: str
    account_id: str = ""
    unknown_rights: bool = False

    @property
    def mode(self) -> Mode:
        """The mode of its site."""
        return self.site.mode

    def for_account(self, account_id: str) -> Permit:
        """The same for an account by the venue's name of it."""
        return replace(self, account_id=account_id)


def permit_of(settings: ExchangeSettings, switch: str = "", *, origin: str = "") -> Permit:
    """What the configuration and the second switch allow together.

    Parameters
    ----------
    switch
        The account's name from outside of the configuration file: ``--live NAME`` or ``MASTERTRADING_LIVE``.
    origin
        Where ``exchange.mode`` was said (``Resolved.origins``): a file, if it is to be a switch of its own.

    Raises
    ------
    SafetyBlocked
        If the two switches do not agree, or the account's own name is not written down.
    """
    mode = Mode(settings.mode)
    if switch and mode is not Mode.LIVE:
        raise SafetyBlocked(
            f"live trading was switched on for {switch!r}, but the configuration says mode = {mode.value!r}",
            where="exchange.mode",
            hint=f"unset {SWITCH}, or set the mode",
        )
    if mode is Mode.LIVE:
        if origin.startswith(("env ", "command line")):
            raise SafetyBlocked(
                "live trading is switched on in the configuration file",
                why=f"here exchange.mode comes from the {origin}, which is where the second switch comes from",
                where="exchange.mode",
            )
        _both_switches(settings, switch)
    site = site_of(settings.venue, mode, settings.network if mode is Mode.TESTNET else "")
    return Permit(site, settings.account, settings.account_id, settings.unknown_rights)


def _both_switches(settings: ExchangeSettings, switch: str) -> None:
    if not switch:
        raise SafetyBlocked(
            "live trading needs a second switch outside of the configuration file",
            where=f"--live NAME, or {SWITCH}",
            hint=f"{SWITCH}={settings.account or 'NAME'}",
        )
    if not settings.account or switch != settings.account:
        raise SafetyBlocked(
            "the two switches of live trading name different accounts",
            why=f"exchange.account is {settings.account!r}, the switch says {switch!r}",
            where="exchange.account",
        )
    if not settings.account_id:
        raise SafetyBlocked(
            "live trading needs the venue's own name of the account",
            why="a wrong key would trade on somebody else's",
            where="exchange.account_id",
            hint="Bybit: the UID; Binance: accountAlias of GET /fapi/v3/balance",
        )


def check_account(permit: Permit, facts: AccountFacts) -> tuple[str, ...]:
    """Refuse an account or a key that may not be used; what is merely unwise comes back as sentences.

    Raises
    ------
    SafetyBlocked
    """
    live = permit.mode is Mode.LIVE
    if permit.account_id and facts.account_id != permit.account_id:
        raise SafetyBlocked(
            "this key belongs to another account",
            why=f"the venue calls it {facts.account_id!r}, the configuration {permit.account_id!r}",
            where="exchange.account_id",
        )
    if live and not permit.account_id:
        raise SafetyBlocked("the account's own name is not written down", where="exchange.account_id")
    if facts.can_withdraw:
        raise SafetyBlocked(
            "this key may withdraw money", why="trading needs no such right", hint="make a key without it"
        )
    if facts.can_trade is False:
        raise SafetyBlocked("this key may not trade", hint="give it the right to trade derivatives")
    unknown = [name for name in ("can_withdraw", "can_trade") if getattr(facts, name) is None]
    if live and unknown and not permit.unknown_rights:
        raise SafetyBlocked(
            "the venue does not tell the rights of this key",
            why=f"unknown: {', '.join(unknown)}",
            where="exchange.unknown_rights",
            hint="make sure by hand that it can't withdraw, then set unknown_rights = true",
        )
    return (
        ()
        if facts.ip_restricted or not live
        else ("this key is good from any address; restrict it to yours",)
    )
