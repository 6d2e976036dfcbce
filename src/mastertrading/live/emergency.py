"""The emergency: put on disk before anything is sent, kept through restarts, and not given up before all is flat.

It is written down twice, in the journal and in a file beside it, and either is enough: the file is read every cycle,
so that it can also be begun from outside while the database is away. Only an operator's ``resume`` ends it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from mastertrading.domain.facts import Incident, Severity
from mastertrading.domain.intents import LETTERS, Purpose, client_id_of, is_ours
from mastertrading.domain.orders import Order, OrderKind, OrderRequest, Position
from mastertrading.domain.ports import Gateway, Journal
from mastertrading.live.permission import EMERGENCY
from mastertrading.live.retries import DELAYS_MS
from mastertrading.live.snapshot import Reader

ALL = "*"
FILE = "emergency.json"
ALERT_EVERY_MS = 60_000
IN_THE_WAY = tuple(LETTERS[one] for one in (Purpose.ENTRY, Purpose.PARTIAL, Purpose.TARGET))


class Emergency:
    """The switch of one account.

    Parameters
    ----------
    folder
        Where the file lies; None: there is only the journal.
    """

    def __init__(self, journal: Journal, folder: Path | None) -> None:
        self._journal = journal
        self._file = folder / FILE if folder is not None else None
        self._on: dict[str, str] = {}
        self._alerted_ms = 0
        self._next_ms = 0
        self._sent = 0

    # ------------------------------------------------------------ the switch
    def declare(self, symbol: str, reason: str, now_ms: int) -> None:
        """Begin one, for an instrument or (``*``) for all. The file first: it needs no database."""
        if symbol in self._on:
            return
        self._on[symbol] = reason
        self._write()
        self._journal.latch(_latch_of(symbol), reason, now_ms)

    def poll(self, now_ms: int) -> None:
        """Take over what another process, or an earlier one, began; make both places say the same."""
        for symbol, reason in self._read().items():
            self._on.setdefault(symbol, reason)
        put = self._journal.latches()
        for name, latch in put.items():
            if name.split(":")[0] == EMERGENCY:
                self._on.setdefault(name.partition(":")[2] or ALL, latch.reason)
        for symbol, reason in self._on.items():
            if _latch_of(symbol) not in put:
                self._journal.latch(_latch_of(symbol), reason, now_ms)
        if self._on and self._on != self._read():
            self._write()

    def poll_file(self) -> bool:
        """Whether there is one, without asking the journal."""
        for symbol, reason in self._read().items():
            self._on.setdefault(symbol, reason)
        return bool(self._on)

    def end(self, command_id: str, now_ms: int) -> None:
        """An operator says that it is over."""
        for symbol in self._on:
            self._journal.unlatch(_latch_of(symbol), command_id, now_ms)
        self._on.clear()
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def covers(self, symbol: str) -> bool:
        """Whether an instrument is being closed."""
        return symbol in self._on or ALL in self._on

    @property
    def is_on(self) -> bool:
        """Whether there is one at all."""
        return bool(self._on)

    def alert(self, held: dict[str, int], now_ms: int) -> Incident | None:
        """What people are to be told, once a minute until nothing is held."""
        open_ = {symbol: str(lots) for symbol, lots in held.items() if lots and self.covers(symbol)}
        if not open_ or now_ms - self._alerted_ms < ALERT_EVERY_MS:
            return None
        self._alerted_ms = now_ms
        why = "; ".join(sorted(set(self._on.values())))
        return Incident(EMERGENCY, f"still open: {why}", now_ms, Severity.CRITICAL, figures=open_)

    # ------------------------------------------------------------ the file
    def _read(self) -> dict[str, str]:
        """What the file says; a file that cannot be read says that there is an emergency."""
        if self._file is None or not self._file.exists():
            return {}
        try:
            told = json.loads(self._file.read_text(encoding="utf-8"))
            return {str(symbol): str(reason) for symbol, reason in told.items()}
        except (OSError, ValueError, AttributeError):
            return {ALL: f"{self._file.name} is there and cannot be read"}

    def _write(self) -> None:
        if self._file is not None:
            write_emergency(self._file.parent, {**self._read(), **self._on})

    # ------------------------------------------------------------ without a journal
    async def act_alone(self, gateway: Gateway, account: str) -> None:
        """Close what is open while the journal is not there: reduce-only, so that doing it twice adds nothing.

        What it sends is recognised later by its client ids. Stops stay: nothing here proves that a position is gone.
        """
        now_ms = gateway.now_ms()
        if now_ms < self._next_ms:
            return
        snapshot = await Reader(gateway).look()
        for order in snapshot.orders or ():
            if self.covers(order.symbol) and _is_in_the_way(order):
                await gateway.cancel(order)
        held = [one for one in snapshot.positions or () if one.qty and self.covers(one.symbol)]
        for position in held:
            self._sent += 1
            await gateway.place(_closing(account, position, now_ms, self._sent))
        self._next_ms = now_ms + DELAYS_MS[min(self._sent, len(DELAYS_MS) - 1)]


def write_emergency(folder: Path, reasons: dict[str, str]) -> None:
    """Put the switch from outside: whole, durable, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{FILE}.{os.getpid()}"
    with new.open("w", encoding="utf-8") as out:
        json.dump(reasons, out)
        out.flush()
        os.fsync(out.fileno())
    new.replace(folder / FILE)
    if os.name == "posix":
        place = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)


def _latch_of(symbol: str) -> str:
    return EMERGENCY if symbol == ALL else f"{EMERGENCY}:{symbol}"


def _is_in_the_way(order: Order) -> bool:
    return is_ours(order.client_id) and order.client_id[2] in IN_THE_WAY


def _closing(account: str, position: Position, now_ms: int, attempt: int) -> OrderRequest:
    side = -1 if position.qty > 0 else 1
    name = client_id_of(account, position.symbol, Purpose.EMERGENCY, now_ms, 1, attempt)
    return OrderRequest(name, position.symbol, side, OrderKind.MARKET, abs(position.qty), reduce_only=True)
