"""The parity certificate: the same window traded by the backtest, on paper and at every venue, print beside print.

Equalities 3, 4 and 5. Each line is a life of its own. A line that is done is written at once, so an interrupted
certificate goes on where it was: what the same code made of the same window and settings is not lived again.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import mastertrading
from mastertrading.app.live_world import PAPER, Act, World, lived, predicted
from mastertrading.app.parity.prints import LENGTH
from mastertrading.domain.ports import Journal
from mastertrading.exchange.opening import GATEWAYS
from mastertrading.journal.memory import memory_journal
from mastertrading.settings.load import config_hash

CERTIFICATE = "certificate.json"
BACKTEST = "backtest"
IN_PROCESS, SOCKETS = "in process", "sockets"
POINTS = 4
"""Points of a bar, after any of which a process may be gone."""


@dataclass(frozen=True, slots=True)
class Life:
    """One way to live the window: where, over which line, and how often the process dies."""

    name: str
    line: str = ""
    deaths: int = 0

    def __str__(self) -> str:
        """``binance_usdm, sockets, killed 12 times``."""
        killed = f"killed {self.deaths} times" if self.deaths else ""
        return ", ".join(part for part in (self.name, self.line, killed) if part)


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one life."""

    life: str
    trades: str
    decisions: str
    fills: int
    bars: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """All lines of one window."""

    window: dict[str, Any]
    lines: tuple[Line, ...]

    @property
    def is_same(self) -> bool:
        """Whether every life wanted and got exactly the same."""
        return len({(line.trades, line.decisions) for line in self.lines}) == 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"same": self.is_same, "window": self.window, "lines": [asdict(line) for line in self.lines]}


OnBar = Callable[[Life, World], None]
"""Told after each bar that was decided on."""


def lives(venues: Sequence[str], *, sockets: bool, deaths: int) -> Iterator[Life]:
    """The backtest, paper, and each venue on each line; with ``deaths`` each once more, killed so often."""
    yield Life(BACKTEST)
    for times in (0, deaths) if deaths else (0,):
        yield Life(PAPER, deaths=times)
        for venue in venues:
            yield Life(venue, IN_PROCESS, times)
            if sockets:
                yield Life(venue, SOCKETS, times)


def certify(
    act: Act,
    wanted: Sequence[Life],
    folder: Path,
    authority: Path,
    *,
    seed: int,
    on_bar: OnBar,
    on_line: Callable[[int], None] = lambda done: None,
    clock: Callable[[], float] = time.monotonic,
) -> Certificate:
    """Live what has not been lived yet, and write each line when it is there.

    Parameters
    ----------
    authority
        Folder of the certificates of venues on sockets.
    seed
        Draws the points at which processes die.
    """
    window = window_of(act, seed)
    known = {line.life: line for line in _known(folder, window)}
    done: list[Line] = []
    for life in wanted:
        line = known.get(str(life)) or _lived(act, life, authority, seed, on_bar, clock)
        done.append(line)
        on_line(len(done))
        kept = [*done, *(other for name, other in known.items() if name not in {d.life for d in done})]
        _write(folder, Certificate(window, tuple(kept)))
    made = Certificate(window, tuple(done))
    _write(folder, made)
    return made


def window_of(act: Act, seed: int) -> dict[str, Any]:
    """What was lived: a certificate says nothing of another window, other settings or other code."""
    bars, market = act.bars, act.market
    return {
        "instruments": list(market.symbols),
        "from_ms": int(market.ts_ms[bars.start]) + market.base_ms,
        "to_ms": int(market.ts_ms[bars.stop - 1]) + market.base_ms,
        "bars": len(bars),
        "source": market.source,
        "data": market.data_id[:LENGTH],
        "config": config_hash(act.settings),
        "code": source_hash(),
        "seed": seed,
    }


def source_hash() -> str:
    """The print of every source file of this package."""
    digest, root = hashlib.sha256(), Path(mastertrading.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()[:LENGTH]


def _lived(
    act: Act, life: Life, authority: Path, seed: int, on_bar: OnBar, clock: Callable[[], float]
) -> Line:
    began = clock()
    if life.name == BACKTEST:
        told = predicted(act)
    else:
        there = replace(act, venue=life.name, authority=authority if life.line == SOCKETS else None)
        deaths = random.Random(f"{seed} {life}").sample(range(1, POINTS * len(act.bars)), life.deaths)
        journal: Journal = memory_journal(there.account)
        world = World(there, journal, deaths=deaths, on_bar=lambda world: on_bar(life, world))
        told = lived(world.run())
    return Line(str(life), *told, round(clock() - began, 1))


def _known(folder: Path, window: dict[str, Any]) -> Iterator[Line]:
    """Lines of an earlier attempt at the very same."""
    path = folder / CERTIFICATE
    if not path.is_file():
        return
    told = json.loads(path.read_text(encoding="utf-8"))
    if told.get("window") == window:
        yield from (Line(**line) for line in told["lines"])


def _write(folder: Path, certificate: Certificate) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(certificate.as_dict(), indent=1) + "\n"
    part = folder / f".{CERTIFICATE}.part"
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(folder / CERTIFICATE)


VENUES = tuple(GATEWAYS)
