"""A plan of faults: the weather of a line. Scripted in a file, or drawn by a seed; the same seed, the same faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mastertrading.domain.errors import ConfigError
from mastertrading.simulator.events import Event, PriceMoved
from mastertrading.simulator.faults.catalogue import CATALOGUE, make
from mastertrading.simulator.faults.dice import Dice
from mastertrading.simulator.faults.editing import frame_tags
from mastertrading.simulator.faults.fault import Call, Fault, Venue
from mastertrading.simulator.faults.kinds import tags_of
from mastertrading.simulator.faults.network import RouteChanged
from mastertrading.simulator.faults.sights import ReadLag, WrongOrderOfNews
from mastertrading.simulator.faults.view import CLEAR, View
from mastertrading.simulator.line import Calm, Frame, Line, Link
from mastertrading.simulator.wire import ON_TIME, Delivery, Facade, Request, Response


class Plan(Calm):
    """Faults in their order, each asked at every place where it may act.

    ::

        plan = Plan([make("N06", kinds=["place"], nth=[2])])
        line = Line(facades, plan)
        plan.watch("binance_usdm", view, line)
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.faults: list[Fault] = list(faults)
        self._views: dict[str, View] = {}
        self._venues: dict[str, Venue] = {}
        self._line: Line | None = None
        self._passing = False
        self._tagged: tuple[str, Request, frozenset[str]] | None = None
        """The last request with its tags: it is asked for when it leaves, arrives and is answered."""

    # ---------------------------------------------------------------- what it is made of
    def watch(self, venue: str, view: View, line: Line) -> None:
        """Reach a venue's exchange, of which its façade sees the view."""
        self._views[venue] = view
        self._venues[venue] = Venue(venue, view.real, line)
        self._line = line
        view.real.subscribe(lambda event: self._heard(venue, event))
        self._remember()

    def add(self, fault: Fault) -> int:
        """One more fault; its number. Raises ``ConfigError`` if it is aimed at what a venue does not have."""
        for venue in self._venues.values():
            fault.fits(venue)
        self.faults.append(fault)
        self._remember()
        self.pass_time()
        return len(self.faults) - 1

    def remove(self, fault: Fault) -> None:
        """Take a fault out, and let go what it holds."""
        self.faults.remove(fault)
        for venue in self._venues.values():
            fault.lifted(venue)

    def clear(self) -> None:
        """All faults end: from here on everything must come right."""
        for fault in tuple(self.faults):
            self.remove(fault)

    def hits(self) -> dict[str, int]:
        """How often each fault acted, by its key."""
        count: Counter[str] = Counter()
        for fault in self.faults:
            count[fault.key] += fault.hits
        return dict(count)

    def _remember(self) -> None:
        needed = any(isinstance(fault, ReadLag | WrongOrderOfNews) for fault in self.faults)
        for view in self._views.values():
            view.remembers = view.remembers or needed

    # ---------------------------------------------------------------- time
    def pass_time(self) -> None:
        """Look for what is due at the venues' present time."""
        for venue in self._venues:
            self._pass(venue)

    def _heard(self, venue: str, event: Event) -> None:
        if self.faults and isinstance(event, PriceMoved):
            self._pass(venue)

    def _pass(self, name: str) -> None:
        venue = self._venues.get(name)
        if venue is None or self._passing or not self.faults:
            return
        self._passing = True
        try:
            for fault in tuple(self.faults):
                fault.passes(venue, venue.exchange.clock.now_ms())
        finally:
            self._passing = False

    def _now(self, venue: str) -> int:
        found = self._venues.get(venue)
        return found.exchange.clock.now_ms() if found else 0

    def _call(self, venue: str, request: Request) -> Call:
        kept = self._tagged
        if kept is None or kept[1] is not request or kept[0] != venue:
            kept = self._tagged = venue, request, tags_of(venue, request)
        return Call(venue, request, kept[2], self._now(venue))

    # ---------------------------------------------------------------- the weather
    def connects(self, host: str) -> str:
        """The first that refuses."""
        facade = self._line.facade_of(host) if self._line else None
        if facade is None:
            return ""
        now = self._now(facade.name)
        return next((how for fault in self.faults if (how := fault.connects(facade.name, now))), "")

    def departs(self, venue: str, request: Request) -> Delivery:
        """All that befalls a request at once."""
        if not self.faults:
            return ON_TIME
        self._pass(venue)
        call = self._call(venue, request)
        return _together(fault.departs(call) for fault in self.faults)

    def answer(self, facade: Facade, request: Request) -> Response:
        """Let acts begin, and the façade see what it may."""
        view = self._views.get(facade.name)
        if view is None or not self.faults:
            return facade.answer(request)
        call = self._call(facade.name, request)
        sight, address = CLEAR, ""
        for fault in tuple(self.faults):
            fault.before(call, self._venues[facade.name])
            seen = fault.looks(call)
            sight = sight if seen is None else sight | seen
            if isinstance(fault, RouteChanged):
                address = fault.address_of(call) or address
        with view.seen(sight):
            return facade.answer(replace(request, client=address) if address else request)

    def returns(self, venue: str, request: Request, response: Response) -> tuple[Response, Delivery]:
        """All that befalls a reply, one after the other."""
        if not self.faults:
            return response, ON_TIME
        call, deliveries = self._call(venue, request), []
        for fault in self.faults:
            spoilt = fault.returns(call, response)
            if spoilt is not None:
                response = spoilt[0]
                deliveries.append(spoilt[1])
        return response, _together(deliveries)

    def dials(self, venue: str, request: Request) -> Delivery:
        """All that befalls a dial."""
        if not self.faults:
            return ON_TIME
        self._pass(venue)
        call = Call(venue, request, frozenset({"dial", "public", "private"}), self._now(venue))
        return _together(fault.dials(call) for fault in self.faults)

    def frames(self, link: Link, text: str) -> Sequence[Frame]:
        """What becomes of a frame."""
        found: list[Frame] = [Frame(text)]
        if not self.faults:
            return found
        tags, now = frame_tags(link.venue, text), self._now(link.venue)
        for fault in self.faults:
            after: list[Frame] = []
            for frame in found:
                spoilt = fault.frames(link, tags, frame, now)
                after.extend([frame] if spoilt is None else spoilt)
            found = after
        return found

    def hears(self, link: Link, text: str) -> bool:
        """Whether every fault lets it through."""
        now = self._now(link.venue)
        return all(fault.hears(link, now) for fault in self.faults)

    def pongs(self, link: Link) -> bool:
        """Whether every fault lets it through."""
        now = self._now(link.venue)
        return all(fault.pongs(link, now) for fault in self.faults)


def _together(deliveries: Iterable[Delivery | None]) -> Delivery:
    """Several at once: delays add up, and what is worse wins."""
    found = ON_TIME
    for one in deliveries:
        if one is None or one is ON_TIME:
            continue
        cuts = [cut for cut in (found.cut_at, one.cut_at) if cut is not None]
        drips = [rate for rate in (found.drip_bytes_per_s, one.drip_bytes_per_s) if rate]
        found = Delivery(
            refuse=found.refuse or one.refuse,
            lose_request=found.lose_request or one.lose_request,
            request_delay_ms=found.request_delay_ms + one.request_delay_ms,
            reply_delay_ms=found.reply_delay_ms + one.reply_delay_ms,
            lose_reply=found.lose_reply or one.lose_reply,
            cut_at=min(cuts) if cuts else None,
            drip_bytes_per_s=min(drips) if drips else 0,
            replace=_first(found, one),
        )
    return found


def _first(found: Delivery, one: Delivery) -> Response | None:
    """What answers: nobody, if one of two lost the request and had no answer for it."""
    if (found.lose_request and found.replace is None) or (one.lose_request and one.replace is None):
        return None
    return found.replace or one.replace


# -------------------------------------------------------------------- scripts and dice
def scripted(rows: Iterable[dict[str, Any]], *, now_ms: int = 0, seed: int = 0) -> list[Fault]:
    """Faults of a script's rows: ``id``, when, and parameters; ``after_s`` and ``for_s`` count from now.

    Raises
    ------
    ConfigError
        For a row that makes no fault.
    """
    made = []
    for count, row in enumerate(rows):
        given = dict(row)
        key = given.pop("id", None)
        if not isinstance(key, str):
            raise ConfigError(f"fault {count + 1} of the script has no id")
        _relative(given, now_ms)
        made.append(make(key, seed=given.pop("seed", seed * 1000 + count), **given))
    return made


def _relative(given: dict[str, Any], now_ms: int) -> None:
    if "after_s" in given:
        given["from_ms"] = now_ms + round(float(given.pop("after_s")) * 1000)
    if "for_s" in given:
        begin = given.setdefault("from_ms", now_ms)
        given["until_ms"] = begin + round(float(given.pop("for_s")) * 1000)


def read_script(path: Path, *, now_ms: int = 0, seed: int = 0) -> list[Fault]:
    """Faults of a file: TOML with ``[[fault]]`` tables.

    Raises
    ------
    ConfigError
        If it can't be read, or says what can't be.
    """
    import tomllib

    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read as a script of faults", why=str(error)) from error
    rows = told.get("fault")
    if not isinstance(rows, list):
        raise ConfigError(f"{path} has no [[fault]] tables", hint='[[fault]]\nid = "N06"\nkinds = ["place"]')
    return scripted(rows, now_ms=now_ms, seed=seed)


def drawn(
    seed: int,
    *,
    start_ms: int,
    span_ms: int,
    count: int = 6,
    among: Sequence[str] = tuple(CATALOGUE),
    chances: tuple[float, float] = (0.05, 0.6),
) -> list[Fault]:
    """Faults drawn by a seed: a random subset, each with random parameters, rate and window in the span."""
    dice = Dice(f"plan/{seed}")
    made = []
    for key in dice.some_of(among, count):
        given: dict[str, Any] = {
            name: dice.one_of(options) for name, options in CATALOGUE[key].choices.items()
        }
        begin = start_ms + dice.whole(0, max(span_ms - 1, 0))
        given["from_ms"] = begin
        given["until_ms"] = min(begin + dice.whole(1_000, max(span_ms // 3, 2_000)), start_ms + span_ms)
        if CATALOGUE[key].where != "exchange":
            given["chance"] = dice.between(*chances)
        made.append(make(key, seed=dice.whole(0, 1 << 31), **given))
    return made
