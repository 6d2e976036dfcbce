"""What is seen while a demonstration trades: where it is, the account, what is held, and the newest trades."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mastertrading.app.messages import tr
from mastertrading.app.terminal import table
from mastertrading.domain.instrument import ATOMS_PER_UNIT

if TYPE_CHECKING:
    from mastertrading.app.live_world import World

NEWEST = 8
WIDTH = 60
BLOCKS = "▁▂▃▄▅▆▇█"


class Screen:
    """Draws a world.

    Parameters
    ----------
    bars
        How many there are in all.
    """

    def __init__(self, bars: int) -> None:
        self.bars = bars
        self._equity: list[int] = []

    def note(self, world: World) -> None:
        """Remember the equity of a bar."""
        self._equity.append(int(world.trader.mind.book.account[0].equity))

    def draw(self, world: World) -> Any:
        """Everything, as it is now."""
        from rich.console import Group
        from rich.padding import Padding
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        now = datetime.fromtimestamp(world.gateway.now_ms() / 1000, UTC)
        done = len(world.milliseconds)
        lead = tr(
            "{venue} by its own protocol, on this machine · {now:%Y-%m-%d %H:%M} UTC · bar {done} of {bars}"
        )
        head = Text(lead.format(venue=world.act.venue, now=now, done=done, bars=self.bars), style="bold")
        bar = Padding(ProgressBar(total=self.bars, completed=done, width=WIDTH), (0, 0))
        return Group(head, bar, self._worth(), self._held(world), _trades(world))

    def _worth(self) -> Any:
        """The account's equity as a number and as a line."""
        from rich.text import Text

        first, last = self._equity[0], self._equity[-1]
        made = (last - first) / ATOMS_PER_UNIT
        told = tr("equity {equity:,.2f} USDT ({made:+,.2f})").format(equity=last / ATOMS_PER_UNIT, made=made)
        return Text.assemble(
            (spark(self._equity, WIDTH), "cyan"), "  ", (told, "green" if made >= 0 else "red")
        )

    def _held(self, world: World) -> Any:
        told = table(
            "", tr("instrument"), tr("last"), tr("position"), tr("entry"), tr("stop"), tr("target"), tr("open P&L"),
            numbers=(1, 2, 3, 4, 5, 6),
        )  # fmt: skip
        for n, one in enumerate(world.market.instruments):
            order, position = world.trader.mind.book.orders[n], world.trader.mind.book.positions[n]
            last = world.local.exchange().markets[one.symbol].last_ticks * one.tick
            lots = int(position.lots)
            if not lots:
                told.add_row(one.symbol, f"{last:f}", "–", "", "", "", "")
                continue
            prices = (position.entry_ticks, order.stop_ticks, order.target_ticks)
            marks = (f"{int(px) * one.tick:f}" if px else "" for px in prices)
            gain = int(position.unrealised) / ATOMS_PER_UNIT
            size = f"{lots * one.lot * one.multiplier:+f}"
            told.add_row(one.symbol, f"{last:f}", size, *marks, f"{gain:+,.2f}")
        return told


def _trades(world: World) -> Any:
    told = table(
        tr("newest trades"), "#", tr("instrument"), tr("side"), tr("entry"), tr("exit"), tr("net"), tr("why"),
        numbers=(0, 3, 4, 5),
    )  # fmt: skip
    for trade in world.journal.trades()[-NEWEST:]:
        side = tr("long") if trade.side > 0 else tr("short")
        left = "" if trade.is_open else f"{trade.exit_px:.8g}"
        why = trade.close_reason or tr("open")
        told.add_row(
            str(trade.number), trade.symbol, side, f"{trade.entry_px:.8g}", left, f"{trade.net:+,.2f}", why
        )
    return told


def spark(values: list[int], width: int) -> str:
    """A line of blocks, lowest to highest."""
    step = max(1, -(-len(values) // width))
    kept = values[::-1][::step][::-1]
    low, high = min(kept), max(kept)
    scale = (len(BLOCKS) - 1) / max(1, high - low)
    return "".join(BLOCKS[round((value - low) * scale)] for value in kept).rjust(min(width, len(kept)))
