"""``trade`` where something is wrong: refused or survived, said in a sentence, and what is held stays protected."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest

from mastertrading.domain.errors import JournalUnusable, SafetyBlocked
from mastertrading.domain.orders import OrderStatus
from mastertrading.journal.backup import back_up, restore
from traded import ENVIRON, Theatre, lively, market_of, stop_after

VENUES = ("binance_usdm", "bybit_linear")
HELD_BY = 3
"""Bars after which three positions are open."""


@pytest.fixture(scope="module")
def market():
    return market_of(1.0)


class Scene:
    """A trader at a venue of which something happens to it after some bars."""

    def __init__(self, market, folder, venue="binance_usdm", **exchange):
        self.settings = lively("testnet", venue, **exchange)
        self.theatre = Theatre(market, self.settings, venue)
        self.wish = self.theatre.wish(self.settings, folder)
        self.journal = folder / "journal.db"

    def run(self, bars, *, after=None, trouble=None, environ=ENVIRON, clock=None):
        """Trade so many bars; after some of them let something happen."""

        def minute(trading):
            if after is not None and trading.runner.decided == after:
                trouble(self, trading)
            stop_after(bars)(trading)

        async def life():
            trading = self.theatre.trader(self.wish, minute, environ=environ)
            trading.clock = clock or trading.clock
            await trading.live()
            return trading

        return self.theatre.play(life)

    @property
    def account(self):
        return self.theatre.local.account()

    def held(self):
        """Lots by instrument, as the exchange has them."""
        return {one.symbol: one.lots for one in self.account.legs.values() if one.lots}

    def naked(self):
        """Positions without a stop at the exchange."""
        open_ = [o for o in self.account.open.values() if o.status is OrderStatus.UNTRIGGERED]
        return [
            symbol
            for symbol, lots in self.held().items()
            if not any(o.symbol == symbol and o.new.order_side * lots < 0 for o in open_)
        ]


# ---------------------------------------------------------------- keys and accounts
@pytest.mark.parametrize("venue", VENUES)
def test_a_wrong_secret_is_refused_before_anything_is_sent(venue, market, tmp_path):
    scene = Scene(market, tmp_path, venue)
    with pytest.raises(SafetyBlocked, match="does not accept these keys") as refused:
        scene.run(1, environ={**ENVIRON, "MASTERTRADING_KEYS_MAIN_SECRET": "not-the-secret"})
    assert refused.value.exit_code == 3
    assert "not-the-secret" not in str(refused.value)
    assert scene.account.orders == {}


def test_no_keys_are_refused_in_a_sentence_that_says_where_they_belong(market, tmp_path):
    with pytest.raises(SafetyBlocked, match="there are no keys for the account 'main'") as refused:
        Scene(market, tmp_path).run(1, environ={})
    assert "MASTERTRADING_KEYS_MAIN_FILE" in refused.value.where


@pytest.mark.parametrize("venue", VENUES)
def test_keys_of_another_account_than_the_one_written_down_are_refused(venue, market, tmp_path):
    with pytest.raises(SafetyBlocked, match="belongs to another account"):
        Scene(market, tmp_path, venue, account_id="somebody-else").run(1)


def test_a_journal_of_another_account_of_the_venue_is_refused(market, tmp_path):
    scene = Scene(market, tmp_path)
    scene.run(1)
    with closing(sqlite3.connect(scene.journal)) as database, database:
        database.execute("UPDATE journal_account SET identity = 'somebody-else'")
    with pytest.raises(JournalUnusable, match="belongs to another account"):
        scene.run(1)


# ---------------------------------------------------------------- the account is changed under it
@pytest.mark.parametrize("venue", VENUES)
def test_hedge_mode_switched_on_under_it_keeps_what_is_held_protected(venue, market, tmp_path):
    def switch(scene, trading):
        assert len(scene.held()) == 3
        scene.account.hedged = True

    scene = Scene(market, tmp_path, venue)
    before = len(scene.account.orders)
    scene.run(8, after=HELD_BY, trouble=switch)
    assert scene.naked() == []
    assert len(scene.account.orders) > before


@pytest.mark.parametrize("venue", VENUES)
def test_an_account_in_hedge_mode_that_holds_something_is_not_begun_with(venue, market, tmp_path):
    scene = Scene(market, tmp_path, venue)
    scene.run(HELD_BY)
    scene.account.hedged = True
    with pytest.raises(SafetyBlocked, match="not set up as it must be") as refused:
        scene.run(1)
    assert "one-way" in refused.value.hint
    assert scene.naked() == []


# ---------------------------------------------------------------- time
class Skewed:
    """A clock that is wrong."""

    def __init__(self, clock, by_ms):
        self._clock, self.by_ms = clock, by_ms

    def now_ms(self):
        return self._clock.now_ms() + self.by_ms

    def monotonic(self):
        return self._clock.monotonic()

    async def sleep(self, seconds):
        await self._clock.sleep(seconds)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("by_ms", [5_000, -5_000])
def test_a_clock_that_is_five_seconds_off_changes_nothing(venue, by_ms, market, tmp_path):
    scene = Scene(market, tmp_path, venue)
    scene.run(HELD_BY, clock=Skewed(scene.theatre.clock, by_ms))
    assert len(scene.held()) == 3
    assert scene.naked() == []


# ---------------------------------------------------------------- the journal
def say(trading, statement):
    """Say something to the trader's own connection."""
    from django.db import connections

    with connections[trading.journal.store.using].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def options_of(trading):
    """How the trader connects to its database."""
    from django.db import connections

    return connections[trading.journal.store.using].settings_dict["OPTIONS"]


def locked(scene, trading):
    """Another process has the database; the trader waits for it only a moment."""
    options_of(trading)["timeout"] = 0.001  # also of connections that are made anew
    say(trading, "PRAGMA busy_timeout = 1")
    other = sqlite3.connect(scene.journal, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_journal_that_is_locked_for_a_while_is_waited_for(market, tmp_path):
    held = []

    def lock(scene, trading):
        held.append(locked(scene, trading))
        scene.theatre.later(20.0, held[0].rollback)

    scene = Scene(market, tmp_path)
    trading = scene.run(8, after=HELD_BY, trouble=lock)
    held[0].close()
    assert trading.runner.troubles > 0
    assert trading.runner.decided == 8
    assert scene.naked() == []


@pytest.mark.parametrize("what", ["locked", "full"])
def test_a_journal_that_stays_locked_or_full_ends_it_with_its_stops_in_place(what, market, tmp_path):
    held = []

    def spoil(scene, trading):
        if what == "full":
            (pages,) = say(trading, "PRAGMA page_count")
            say(trading, f"PRAGMA max_page_count = {pages}")
            options_of(trading)["init_command"] += f" PRAGMA max_page_count = {pages};"
        else:
            held.append(locked(scene, trading))

    scene = Scene(market, tmp_path)
    words = {"locked": "locked by another process", "full": "the disk is full"}[what]
    with pytest.raises(JournalUnusable, match=words) as ended:
        scene.run(60, after=HELD_BY, trouble=spoil)
    for other in held:
        other.close()
    assert ended.value.exit_code == 3
    assert len(scene.held()) == 3
    assert scene.naked() == []


def test_a_journal_that_may_only_be_read_is_refused(market, tmp_path, monkeypatch):
    scene = Scene(market, tmp_path)
    scene.run(1)
    scene.journal.chmod(stat.S_IRUSR)
    monkeypatch.setattr("os.access", lambda path, mode: False)  # the owner of everything may always write
    with pytest.raises(JournalUnusable, match="it is read-only"):
        scene.run(1)


def test_a_journal_of_a_newer_version_is_refused(market, tmp_path):
    scene = Scene(market, tmp_path)
    scene.run(HELD_BY)
    with closing(sqlite3.connect(scene.journal)) as database, database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('journal', '0999_later', '2027-01-01')"
        )
    with pytest.raises(JournalUnusable, match="written by a newer mastertrading"):
        scene.run(1)
    assert scene.naked() == []


@pytest.mark.parametrize("venue", VENUES)
def test_an_old_backup_is_brought_up_to_what_the_venue_has_before_anything_is_entered(
    venue, market, tmp_path
):
    def keep(scene, trading):
        back_up(scene.wish.url, scene.wish.account, tmp_path / "old.db")

    scene = Scene(market, tmp_path, venue)
    scene.run(6, after=1, trouble=keep)  # at that time nothing was held
    held = scene.held()
    assert len(held) == 3
    restore(tmp_path / "old.db", scene.wish.url, scene.wish.account, scene.theatre.clock.now_ms())
    seen = {}

    def look(scene, trading):
        seen["latches"] = set(trading.journal.latches())
        units = trading.trader.units
        seen["books"] = {s: units[s].lots(trading.journal.position(s)) for s in scene.settings.instruments}
        seen["venue"] = {s: scene.held().get(s, 0) for s in scene.settings.instruments}

    scene.run(2, after=1, trouble=look)
    assert seen["latches"] == {"reconcile_first"}
    assert seen["books"] == seen["venue"]
    assert all(abs(lots) <= abs(held[symbol]) for symbol, lots in scene.held().items())
    assert scene.naked() == []
