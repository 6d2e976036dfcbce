"""A whole local exchange in one call: exchange, façade and view for each venue, one clock, one line, its faults.

In process, on virtual time::

    local = LocalExchange(listings, tape=BarTape(market), pace=Pace.CLOCK)
    local.open_account()
    client = ccxt.pro.binanceusdm({"session": local.session(), **local.keys()})
    keep_time(client, local.clock)
    run_virtual(campaign(client, local), local.clock)

On the wire::

    served = await local.serve(Path("authority"))       # TLS on loopback, and a control port
    await local.run()
    await served.close()
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from mastertrading.domain.errors import UsageError
from mastertrading.domain.instrument import ATOMS_PER_UNIT
from mastertrading.simulator.account import Account
from mastertrading.simulator.certificates import certificates
from mastertrading.simulator.clock import VirtualClock, WallClock
from mastertrading.simulator.conductor import ANYBODY, Conductor, Pace, Progress
from mastertrading.simulator.control import ControlPort, Routes, Words
from mastertrading.simulator.exchange import Exchange
from mastertrading.simulator.faults.fault import ALWAYS, Fault, When
from mastertrading.simulator.faults.plan import Plan, scripted
from mastertrading.simulator.faults.view import View
from mastertrading.simulator.in_process import InProcessSession
from mastertrading.simulator.line import Line
from mastertrading.simulator.listing import Listing
from mastertrading.simulator.script import ACTS, Script, check_words
from mastertrading.simulator.server import Server
from mastertrading.simulator.tape import Tape
from mastertrading.simulator.wire import Facade

FACADES = {
    "binance_usdm": ("mastertrading.simulator.binance", "BinanceFacade"),
    "bybit_linear": ("mastertrading.simulator.bybit", "BybitFacade"),
}
"""Where each venue's façade is; imported when it is used."""
LONGEST_WAIT_S = 30.0


@dataclass(slots=True)
class Place:
    """One venue of a local exchange. ``conductor``: None without a tape."""

    name: str
    exchange: Exchange
    view: View
    facade: Facade
    conductor: Conductor | None

    @property
    def topics(self) -> frozenset[str]:
        """Public streams that somebody listens to, by the venue's names."""
        told: frozenset[str] = getattr(self.facade, "topics", frozenset())
        return told

    @property
    def bugs(self) -> list[str]:
        """What the façade could not answer by mistake of ours."""
        return list(getattr(self.facade, "bugs", ()))


class LocalExchange:
    """Venues on one clock and one line, each with an exchange of its own.

    Parameters
    ----------
    listings
        What is traded; every venue gets its own copies.
    venues
        Names of ``FACADES``.
    clock
        By default a virtual one that begins at the tape's begin, or at 2024-01-01.
    tape
        What is played at every venue. Without one, prices are moved by ``exchange(venue).move``.
    pace, script, holds_everywhere
        Of the conductors.
    faults
        The plan to begin with; ``plan`` can be changed at any time.
    rules
        By venue, the façade's rules in place of its defaults.
    """

    def __init__(
        self,
        listings: Sequence[Listing],
        *,
        venues: Sequence[str] = ("binance_usdm",),
        clock: VirtualClock | WallClock | None = None,
        tape: Tape | None = None,
        pace: Pace = Pace.FAST,
        script: Script | None = None,
        holds_everywhere: bool = False,
        faults: Iterable[Fault] = (),
        rules: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = clock or VirtualClock(_begin_ms(tape))
        self.plan = Plan(faults)
        self.line = Line((), self.plan)
        self._api_key, self._secret = "", ""
        self.places = {
            name: self._place(name, listings, tape, (rules or {}).get(name), seed) for name in venues
        }
        self.line.facades = [place.facade for place in self.places.values()]
        for place in self.places.values():
            self.plan.watch(place.name, place.view, self.line)
            if tape is not None:
                place.conductor = Conductor(
                    place.exchange,
                    tape,
                    pace=pace,
                    script=_copied(script),
                    holds_everywhere=holds_everywhere,
                )

    def _place(
        self, name: str, listings: Sequence[Listing], tape: Tape | None, rules: Any, seed: int
    ) -> Place:
        if name not in FACADES:
            raise UsageError(f"there is no façade of {name!r}", why=f"there are {', '.join(FACADES)}")
        exchange = Exchange([replace(one) for one in listings], self.clock, seed=seed)
        view = View(exchange)
        module, made = FACADES[name]
        options = {} if rules is None else {"rules": rules}
        facade: Facade = getattr(import_module(module), made)(cast(Exchange, view), **options)
        return Place(name, exchange, view, facade, None)

    # ---------------------------------------------------------------- what it holds
    def exchange(self, venue: str = "") -> Exchange:
        """A venue's exchange; without a name, the first's."""
        return self._at(venue).exchange

    def conductor(self, venue: str = "") -> Conductor:
        """Who plays a venue's tape. Raises ``UsageError`` without one."""
        conductor = self._at(venue).conductor
        if conductor is None:
            raise UsageError("this exchange has no tape", why="its prices are moved by hand")
        return conductor

    def _at(self, venue: str) -> Place:
        place = self.places.get(venue) if venue else next(iter(self.places.values()))
        if place is None:
            raise UsageError(f"{venue} is not served here", why=f"there are {', '.join(self.places)}")
        return place

    def open_account(
        self,
        name: str = "me",
        *,
        deposit: Decimal | int = 10_000,
        api_key: str = "",
        secret: str = "",
        **options: Any,
    ) -> dict[str, Account]:
        """Open an account at every venue, with one key for all of them (named after it where none is given)."""
        api_key, secret = api_key or f"key-of-{name}", secret or f"secret-of-{name}"
        if not self._api_key:
            self._api_key, self._secret = api_key, secret
        atoms = int(Decimal(deposit) * ATOMS_PER_UNIT)
        return {
            place.name: place.exchange.open_account(
                name, api_key=api_key, secret=secret, deposit_atoms=atoms, **options
            )
            for place in self.places.values()
        }

    def account(self, name: str = "me", venue: str = "") -> Account:
        """An account at a venue."""
        return self.exchange(venue).accounts[name]

    def keys(self) -> dict[str, str]:
        """Key and secret of the first account, as ccxt is given them."""
        return {"apiKey": self._api_key, "secret": self._secret}

    def session(self, *, latency_ms: int = 0) -> InProcessSession:
        """A session for clients in this process."""
        return InProcessSession(self.line, latency_ms=latency_ms)

    def topics(self, venue: str = "") -> frozenset[str]:
        """Public streams of a venue that somebody listens to, by its own names."""
        return self._at(venue).topics

    def bugs(self) -> list[str]:
        """Every mistake of ours that a façade has covered."""
        return [bug for place in self.places.values() for bug in place.bugs]

    # ---------------------------------------------------------------- time
    async def run(self, until_ms: int | None = None) -> int:
        """Play every venue's tape until a moment, or to the end, in the order of time; returns the points."""
        conductors = [place.conductor for place in self.places.values() if place.conductor is not None]
        if len(conductors) == 1:
            return await conductors[0].run(until_ms)
        count = 0
        while True:
            due = [(one.next_ms, n) for n, one in enumerate(conductors) if one.next_ms is not None]
            if not due or (until_ms is not None and min(due)[0] >= until_ms):
                return count
            next_ms, n = min(due)
            count += await conductors[n].run(next_ms + 1)

    # ---------------------------------------------------------------- sockets
    async def serve(
        self,
        authority: Path | None,
        *,
        port: int = 0,
        control_port: int = 0,
        token: str = "token",
    ) -> Served:
        """Serve on loopback: the venues by TLS (None: plain), and the control port for who has the token.

        Raises
        ------
        OSError
            If a port is taken.
        """
        made = certificates(authority) if authority is not None else None
        server = Server(self.line, made, port=port)
        control = ControlPort(self.routes(server), token, port=control_port)
        await server.start()
        try:
            await control.start()
        except OSError:
            await server.close()
            raise
        return Served(self, server, control)

    def routes(self, server: Server | None = None) -> Routes:
        """What the control port answers."""
        return Steering(self, server).routes()


@dataclass(slots=True)
class Served:
    """A local exchange on sockets."""

    local: LocalExchange
    server: Server
    control: ControlPort

    @property
    def port(self) -> int:
        """Of the venues."""
        return self.server.port

    async def close(self) -> None:
        """Close both ports and all connections."""
        await self.control.close()
        await self.server.close()


class Steering:
    """The words of the control port."""

    def __init__(self, local: LocalExchange, server: Server | None) -> None:
        self.local, self.server = local, server
        self._changed = asyncio.Event()
        for place in local.places.values():
            if place.conductor is not None:
                place.conductor.on_hold.append(lambda _: self._changed.set())

    def routes(self) -> Routes:
        """By method and path."""
        return {
            ("GET", "status"): self.status,
            ("GET", "held"): self.held,
            ("POST", "join"): self.join,
            ("POST", "leave"): self.leave,
            ("POST", "idle"): self.idle,
            ("POST", "advance"): self.advance,
            ("GET", "faults"): self.faults,
            ("POST", "faults"): self.add_fault,
            ("DELETE", "faults"): self.remove_fault,
            ("POST", "act"): self.act,
            ("GET", "books"): self.books,
        }

    def status(self, _: Words) -> Words:
        """Where everything is."""
        links = [link.venue for link in self.local.line.links]
        return {
            "now_ms": self.local.clock.now_ms(),
            "venues": {
                name: {
                    **(place.conductor.progress._asdict() if place.conductor else {}),
                    "connections": links.count(name),
                    "accounts": list(place.exchange.accounts),
                    "bugs": place.bugs,
                }
                for name, place in self.local.places.items()
            },
            "requests": self.server.requests if self.server else 0,
            "failures": list(self.server.failures) if self.server else [],
        }

    async def held(self, words: Words) -> Words:
        """Wait until time stands still after a point."""
        conductor, after = self.local.conductor(words.get("venue", "")), int(words.get("after", -1))
        if conductor.pace is not Pace.LOCKSTEP:
            raise UsageError("time never stands still here", why="this exchange is not in lockstep")
        patience = min(float(words.get("seconds", LONGEST_WAIT_S)), LONGEST_WAIT_S)
        try:
            async with asyncio.timeout(patience):
                while not _is_held_after(conductor, after):
                    self._changed.clear()
                    await _first_of(self._changed.wait(), asyncio.sleep(0.2))
        except TimeoutError:
            pass
        return _progress(conductor.progress)

    def join(self, words: Words) -> Words:
        """Wait for one more client."""
        return self._all(lambda conductor: conductor.join(str(words["client"])))

    def leave(self, words: Words) -> Words:
        """Wait for it no more."""
        return self._all(lambda conductor: conductor.leave(str(words["client"])))

    def _all(self, do: Callable[[Conductor], None]) -> Words:
        for place in self.local.places.values():
            if place.conductor is not None:
                do(place.conductor)
        return self.status({})

    def idle(self, words: Words) -> Words:
        """A client is idle."""
        conductor = self.local.conductor(words.get("venue", ""))
        number = words.get("number")
        counted = conductor.idle(str(words.get("client", ANYBODY)), None if number is None else int(number))
        return {"counted": counted, **_progress(conductor.progress)}

    def advance(self, words: Words) -> Words:
        """Play on."""
        conductor = self.local.conductor(words.get("venue", ""))
        if "until_ms" in words:
            conductor.play(int(words["until_ms"]))
        for _ in range(int(words.get("points", 0 if "until_ms" in words else 1))):
            conductor.step()
        return _progress(conductor.progress)

    def faults(self, _: Words) -> list[Words]:
        """The plan."""
        return [
            {
                "number": n,
                "id": fault.key,
                "hits": fault.hits,
                "when": _told(fault.when),
                "says": (fault.__doc__ or "").split("\n")[0],
            }
            for n, fault in enumerate(self.local.plan.faults)
        ]

    def add_fault(self, words: Words) -> Words:
        """One more."""
        (fault,) = scripted([words], now_ms=self.local.clock.now_ms())
        return {"number": self.local.plan.add(fault), "id": fault.key}

    def remove_fault(self, words: Words) -> Words:
        """End one."""
        faults, number = self.local.plan.faults, str(words.get("rest", ""))
        if not number.isdecimal() or int(number) >= len(faults):
            raise UsageError(f"there is no fault {number}".rstrip(), why=f"there are {len(faults)}, from 0")
        fault = faults[int(number)]
        self.local.plan.remove(fault)
        return {"id": fault.key, "hits": fault.hits}

    def act(self, words: Words) -> Words:
        """Do something at an exchange, now."""
        do, venue = str(words.pop("do", "")), str(words.pop("venue", ""))
        check_words(do, words)
        ACTS[do].do(self.local.exchange(venue), words)
        return {"done": do}

    def books(self, _: Words) -> Words:
        """What everybody has."""
        found = {name: place.exchange.books() for name, place in self.local.places.items()}
        return {name: {**books._asdict(), "total": books.total} for name, books in found.items()}


def _told(when: When) -> Words:
    """What differs from "always"."""
    told = {one.name: getattr(when, one.name) for one in fields(when)}
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in told.items()
        if value != getattr(ALWAYS, name)
    }


def _progress(progress: Progress) -> Words:
    return progress._asdict()


def _is_held_after(conductor: Conductor, after: int) -> bool:
    return conductor.is_over or (conductor.is_held and conductor.progress.number > after)


async def _first_of(*waits: Any) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _copied(script: Script | None) -> Script | None:
    return None if script is None else Script([replace(act) for act in script.acts])


def _begin_ms(tape: Tape | None) -> int:
    market, first = getattr(tape, "market", None), getattr(tape, "first", 0)
    return int(market.ts_ms[first]) if market is not None and len(market.ts_ms) > first else 1_704_067_200_000
