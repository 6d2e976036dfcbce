"""``/v5/private``: news of one's own orders, fills, positions and money, after ``auth``."""

from __future__ import annotations

from collections.abc import Iterator

from mastertrading.simulator.account import Account
from mastertrading.simulator.bybit import ids
from mastertrading.simulator.bybit.codes import Wrong
from mastertrading.simulator.bybit.desk import Desk
from mastertrading.simulator.bybit.holdings import position_news, wallet_row
from mastertrading.simulator.bybit.ids import Kind
from mastertrading.simulator.bybit.rendering import Row, execution_news, fast_news, funding_row, order_news
from mastertrading.simulator.bybit.sessions import REFUSED, Frame, StreamSession, dumps
from mastertrading.simulator.bybit.signing import stream_sender
from mastertrading.simulator.events import AccountChanged, Event, OrderChanged, OrderNews
from mastertrading.simulator.orders import Execution, IncomeKind
from mastertrading.simulator.wire import Send

_ALL_IN_ONE = ("order", "execution", "execution.fast", "position", "wallet")
_SILENT = ("greeks", "dcp.future")
"""Known topics on which nothing happens here."""
_TOPICS = (*_ALL_IN_ONE, *(f"{name}.linear" for name in _ALL_IN_ONE[:4]), *_SILENT)
_OTHERS = tuple(
    f"{name}.{category}" for name in _ALL_IN_ONE[:4] for category in ("spot", "inverse", "option")
)

_News = tuple[tuple[str, ...], Row]
"""A row, and the topics that tell it."""


class PrivateSession(StreamSession):
    """A connection to the private stream. Nothing but ``ping`` and ``auth`` before ``auth``."""

    def __init__(self, hub: PrivateHub, send: Send, connection: str) -> None:
        super().__init__(hub.desk, send, connection, hub.leave)
        self._hub = hub
        self.account: Account | None = None

    def _do(self, op: str, frame: Frame) -> None:
        if op == "auth":
            self._authenticate(frame)
        elif op in ("subscribe", "unsubscribe") and self.account is None:
            self._answer(frame, False, "Request not authorized", op)
        else:
            super()._do(op, frame)

    def _authenticate(self, frame: Frame) -> None:
        try:
            desk = self.desk
            account = stream_sender(
                frame.get("args"), desk.exchange.account_of_key, desk.now_ms(), desk.rules
            )
        except Wrong as wrong:
            self._answer(frame, False, wrong.text, "auth")
            return
        self.account = account
        self._hub.join(self)
        self._answer(frame, True, "", "auth")

    def _serves(self, topic: str) -> bool:
        return topic in _TOPICS or topic in _OTHERS

    def _objection(self, topics: list[str]) -> str:
        for name in _ALL_IN_ONE[:4]:
            if name in topics and any(one.startswith(f"{name}.") and one in _OTHERS for one in topics):
                return REFUSED.format(name)
        return super()._objection(topics)

    def _pong(self, frame: Frame) -> None:
        answer: Frame = {} if frame.get("req_id") is None else {"req_id": str(frame["req_id"])[:256]}
        answer |= {"op": "pong", "args": [str(self.desk.now_ms())], "conn_id": self.connection}
        self.send(dumps(answer))


class PrivateHub:
    """Who listens to whose news."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._sessions: dict[str, list[PrivateSession]] = {}
        self._frames = 0

    def join(self, session: PrivateSession) -> None:
        """A connection has authenticated."""
        if session.account is not None:
            there = self._sessions.setdefault(session.account.name, [])
            if session not in there:
                there.append(session)

    def leave(self, session: PrivateSession) -> None:
        """A connection is gone."""
        if session.account is None:
            return
        there = self._sessions.get(session.account.name, [])
        if session in there:
            there.remove(session)
        if not there:
            self._sessions.pop(session.account.name, None)

    def hear(self, event: Event) -> None:
        """Tell those whom it concerns."""
        if not self._sessions:
            return
        if isinstance(event, OrderChanged):
            if event.order.account in self._sessions:
                self._tell_order(event)
        elif isinstance(event, AccountChanged) and event.account in self._sessions:
            self._tell_account(event)

    # ------------------------------------------------------------ orders and fills
    def _tell_order(self, event: OrderChanged) -> None:
        name = event.order.account
        news: list[_News] = [(("order", "order.linear"), row) for row in self._order_rows(event)]
        if event.execution is not None:
            account = self.desk.exchange.accounts[name]
            fills = list(self._fill_rows(event.execution, account))
            news = fills + news if self.desk.rules.news_order == "execution_first" else news + fills
        for topics, row in news:
            self._say(name, topics, [row])

    def _order_rows(self, event: OrderChanged) -> Iterator[Row]:
        if event.news is OrderNews.TRIGGERED:
            if self.desk.rules.triggered_state:
                yield order_news(event.order, self.desk, "Triggered")
            if event.order.limit_ticks == 0:
                return
        yield order_news(event.order, self.desk)

    def _fill_rows(self, execution: Execution, account: Account) -> Iterator[_News]:
        order = account.orders.get(execution.order)
        yield ("execution.fast", "execution.fast.linear"), fast_news(execution, self.desk)
        yield ("execution", "execution.linear"), execution_news(execution, order, self.desk)

    # ------------------------------------------------------------ money and positions
    def _tell_account(self, event: AccountChanged) -> None:
        account = self.desk.exchange.accounts[event.account]
        for income in event.income:
            if income.kind is IncomeKind.FUNDING:
                row = {**funding_row(income, self.desk), "category": "linear", "isLeverage": "0"}
                self._say(account.name, ("execution", "execution.linear"), [row])
        if event.positions:
            rows = [position_news(position, account, self.desk) for position in event.positions]
            self._say(account.name, ("position", "position.linear"), rows)
        self._say(account.name, ("wallet",), [wallet_row(account, self.desk)])

    def _say(self, name: str, topics: tuple[str, ...], rows: list[Row]) -> None:
        for topic in topics:
            listeners = [one for one in self._sessions.get(name, ()) if topic in one.topics]
            if listeners:
                text = self._frame(topic, rows)
                for session in listeners:
                    session.send(text)

    def _frame(self, topic: str, rows: list[Row]) -> str:
        self._frames += 1
        fast = topic.startswith("execution.fast")
        head: Frame = (
            {"topic": topic} if fast else {"id": ids.id_of(Kind.MESSAGE, self._frames), "topic": topic}
        )
        return dumps(head | {"creationTime": self.desk.now_ms(), "data": rows})
