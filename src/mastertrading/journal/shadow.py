"""A copy in memory of what a trader reads of its journal, to try what it would do; the journal itself is only read."""

from __future__ import annotations

from mastertrading.domain.facts import CycleFacts, RunFacts
from mastertrading.journal.memory import memory_journal
from mastertrading.journal.stored import StoredJournal

FOREVER_MS = 10**13
ALL = 1 << 62


def shadow_of(journal: StoredJournal, now_ms: int) -> StoredJournal:
    """A journal in memory that stands where this one stands; whoever holds that one's lease goes on unhindered."""
    source, copy = journal.store, memory_journal(journal.account)
    store = copy.store
    commands, fills = source.commands(None, 0, ALL), source.fills(None, 0)
    trades = source.trades(None, 0)
    symbols = {one.intent.symbol for one in commands} | {one.symbol for one in fills}
    with store.transaction():
        for symbol in sorted(symbols):
            known = source.instrument(symbol)
            if known is not None:
                store.save_instrument(known, now_ms)
        store.add_commands(commands, 0)
        for order in source.open_orders(None):
            store.save_order(order)
        moved = {one.ref: one for symbol in symbols for one in source.movements(symbol, 0)}
        for fill in fills:
            store.add_fill(fill, moved[f"fill:{fill.symbol}:{fill.fill_id}"], now_ms, 0)
        for payment in source.payments(0):
            store.add_payment(payment, now_ms, 0)
        store.save_trades(trades)
        store.save_balances(source.balances())
        for latch in source.latches().values():
            store.save_latch(latch)
        for breaker in source.breakers().values():
            store.save_breaker(breaker)
        stage, state = source.stage(), source.latest_state()
        if stage is not None:
            store.add_stage(stage)
        if state is not None:
            cycle = CycleFacts(state.started_ms, state.bar_ms, state=state.state)
            store.add_cycle(cycle, 0, 0, state.started_ms)
    copy.acquire("a rehearsal", now_ms, FOREVER_MS)
    copy.begin_run(RunFacts("", "", now_ms))
    return copy
