"""What the one writer of a journal need not ask its database again: commands.

A cycle asks a dozen times which commands are open, and for each order what it was sent for. Nobody else may write
them while the lease holds, and whoever takes it over raises the epoch, under which our next write is refused. So as
long as we hold it they are as we wrote them. Switches and operators' commands, which anyone may write, are not kept.
"""

from __future__ import annotations

from mastertrading.domain.facts import Lease
from mastertrading.domain.intents import Command
from mastertrading.journal import selectors
from mastertrading.journal.tables import Rows

MOST = 1_000
"""Commands that are over, and names without one, of which so many are kept."""


class Remembered:
    """The commands of an account as they stand."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._epoch = 0
        self._over: dict[str, Command | None] = {}
        self._open: dict[str, Command] | None = None
        self._listed: tuple[Command, ...] | None = None

    def hold(self, lease: Lease) -> None:
        """The lease was written by us: taken, renewed or given back."""
        epoch = lease.epoch if lease.holder else 0
        if epoch != self._epoch:
            self.forget()
        self._epoch = epoch

    def forget(self) -> None:
        """Ask again from here on: a transaction failed, or the lease changed hands."""
        self._epoch, self._open, self._listed = 0, None, None
        self._over.clear()

    def command(self, client_id: str) -> Command | None:
        """The command of a client id."""
        if not self._epoch:
            return selectors.command(self._rows, client_id)
        opened = self._opened().get(client_id)
        if opened is not None:
            return opened
        if client_id not in self._over:
            self._keep(client_id, selectors.command(self._rows, client_id))
        return self._over[client_id]

    def open_commands(self) -> tuple[Command, ...]:
        """Commands that are not over, by number."""
        if not self._epoch:
            return selectors.open_commands(self._rows)
        if self._listed is None:
            self._listed = tuple(sorted(self._opened().values(), key=lambda one: one.number))
        return self._listed

    def note(self, command: Command) -> None:
        """A command was written."""
        if not self._epoch:
            return
        name, self._listed = command.client_id, None
        if command.state.is_over:
            self._opened().pop(name, None)
            self._keep(name, command)
        else:
            self._over.pop(name, None)
            self._opened()[name] = command

    def _opened(self) -> dict[str, Command]:
        if self._open is None:
            self._open = {one.client_id: one for one in selectors.open_commands(self._rows)}
        return self._open

    def _keep(self, name: str, command: Command | None) -> None:
        """The newest ones: the oldest is let go of."""
        self._over.pop(name, None)
        self._over[name] = command
        if len(self._over) > MOST:
            del self._over[next(iter(self._over))]
