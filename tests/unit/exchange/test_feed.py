"""What waits for a reader: of prices the newest, of news everything, and never more than there is room for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from mastertrading.domain.feed import AccountNews, StreamGap
from mastertrading.exchange.feed import MOST_NEWS, AccountFeed, Mailbox


def drained(mail: Mailbox) -> list[object]:
    async def read():
        return [await mail.get() for _ in range(len(mail))]

    return asyncio.run(read())


def test_of_events_with_a_key_only_the_newest_waits_in_the_place_of_the_first():
    mail = Mailbox()
    mail.put("old quote", "quote")
    mail.put("bar")
    mail.put("new quote", "quote")
    assert drained(mail) == ["new quote", "bar"]
    mail.put("later quote", "quote")
    assert drained(mail) == ["later quote"]


def test_a_reader_waits_until_there_is_something():
    async def scenario():
        mail = Mailbox()
        reader = asyncio.ensure_future(mail.get())
        await asyncio.sleep(0)
        assert not reader.done()
        mail.put("bar")
        return await reader

    assert asyncio.run(scenario()) == "bar"


@pytest.fixture
def feed():
    def news(gateway, message):
        return [AccountNews("balance", "", message)]

    one = AccountFeed(SimpleNamespace(now_ms=lambda: 99, seed=0), SimpleNamespace(account_events=news))
    one._mail = Mailbox()
    return one


def test_news_that_nobody_reads_become_one_gap(feed):
    for k in range(MOST_NEWS + 1):
        feed.frame(k)
    (told,) = drained(feed._mail)
    assert told == StreamGap("account", "", MOST_NEWS, 99)


def test_a_frame_that_cannot_be_read_says_look_now(feed):
    from mastertrading.domain.errors import ExchangeUnavailable

    def unreadable(gateway, message):
        raise ExchangeUnavailable("an order lacks its id")

    feed.dialect = SimpleNamespace(account_events=unreadable)
    feed.frame({})
    (told,) = drained(feed._mail)
    assert isinstance(told, StreamGap)
    assert feed.unreadable == 1
