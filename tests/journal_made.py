"""Journals and facts for tests: small, exact, and the same on every store."""

from __future__ import annotations

import shutil
from decimal import Decimal

from mastertrading.domain.facts import AccountName, CycleFacts, DecisionFacts, EquityFacts, RunFacts, Verdict
from mastertrading.domain.instrument import Instrument
from mastertrading.domain.intents import CommandState, Intent, Purpose, Transition, client_id_of
from mastertrading.domain.orders import Fill, Order, OrderKind, OrderStatus, Payment
from mastertrading.journal.opening import open_journal

ACCOUNT = AccountName("binance_usdm", "paper")
BTC = Instrument("BTCUSDT", Decimal("0.1"), Decimal("0.001"), Decimal(5))
ETH = Instrument("ETHUSDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))
FOR_EVER = 10**12
D = Decimal


def begun(journal, holder="me", now_ms=0):
    """A journal whose writer has begun to trade, with its contracts."""
    journal.acquire(holder, now_ms, FOR_EVER)
    journal.begin_run(RunFacts("code", "settings", now_ms, holder))
    journal.define(BTC, ETH, at_ms=now_ms)
    return journal


def sqlite_url(path):
    return f"sqlite:///{path}"


class Template:
    """A migrated file, made once and copied for every test."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        self.path = folder / "template.db"
        open_journal(sqlite_url(self.path), account=ACCOUNT, create=True).close()

    def copy(self):
        self.count += 1
        place = self.folder / f"journal_{self.count}.db"
        shutil.copyfile(self.path, place)
        return place


def intent(purpose=Purpose.ENTRY, bar_ms=60_000, leg=0, attempt=0, symbol="BTCUSDT", account=ACCOUNT, **more):
    more = {
        "order_side": 1,
        "lots": 3,
        "qty": D("0.003"),
        "reason": purpose.value,
        "params": "market 0.003",
    } | more
    client_id = client_id_of(str(account), symbol, purpose, bar_ms, leg, attempt)
    return Intent(client_id, symbol, purpose, bar_ms, leg, attempt, **more)


def sent(journal, one, at_ms=10):
    """Prepare and send an intent."""
    journal.prepare(one, at_ms=at_ms)
    journal.mark(Transition(one.client_id, CommandState.SENT, at_ms + 1, deadline_ms=at_ms + 60_000))
    return one.client_id


def order(client_id, status=OrderStatus.WORKING, order_id="7", filled="0", updated_ms=20, **more):
    return Order(
        order_id=order_id,
        client_id=client_id,
        symbol="BTCUSDT",
        order_side=1,
        kind=OrderKind.MARKET,
        status=status,
        qty=D("0.003"),
        filled_qty=D(filled),
        created_ms=10,
        updated_ms=updated_ms,
        **more,
    )


def fill(
    number, side, qty, px, ts_ms=None, *, client_id="", order_id="", fee="0.01", symbol="BTCUSDT", **more
):
    more = {"fee_currency": "USDT", "is_maker": False} | more
    ts_ms = number * 1000 if ts_ms is None else ts_ms
    return Fill(
        str(number),
        order_id or f"o{number}",
        client_id,
        symbol,
        side,
        D(qty),
        D(px),
        D(fee),
        ts_ms=ts_ms,
        **more,
    )


def funding(number, amount, ts_ms, symbol="BTCUSDT"):
    return Payment(f"f{number}", "funding", symbol, D(amount), "USDT", ts_ms)


def transfer(number, amount, ts_ms):
    return Payment(f"t{number}", "transfer", "", D(amount), "USDT", ts_ms)


def cycle(bar_ms, state=b"engine", symbols=("BTCUSDT", "ETHUSDT"), **more):
    verdicts = tuple(Verdict(name, 0.25, 7, 3, 0, 2, 0) for name in ("trend", "smc"))
    decisions = tuple(
        DecisionFacts(symbol, bar_ms, net=0.1, evaluated=7, passed=3, refusal=3, verdicts=verdicts)
        for symbol in symbols
    )
    point = EquityFacts(bar_ms, D("10000.12345678"), D(10_000))
    made = {
        "bar_ms": bar_ms,
        "snapshot": bar_ms // 60_000,
        "inputs": b"in",
        "decisions": decisions,
        "equity": point,
    }
    return CycleFacts(bar_ms, state=state, **(made | more))


def books(journal):
    """What must be the same however facts arrived: money, and trades without their numbers."""
    trades = [
        (
            *(
                one.symbol,
                one.side,
                one.opened_ms,
                one.closed_ms,
                one.qty,
                one.cost,
                one.max_qty,
                one.entry_px,
            ),
            *(one.exit_px, one.gross, one.fees, one.funding, one.close_reason, one.movements),
        )
        for one in journal.trades()
    ]
    return {place: amount for place, amount in journal.balances().items() if amount}, sorted(trades)
