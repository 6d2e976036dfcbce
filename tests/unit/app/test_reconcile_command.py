"""``reconcile --dry-run`` and ``probe`` from the command line: what they ask for, refuse, tell, and leave with."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from mastertrading.app import rehearsal, trading_door
from mastertrading.app.cli import main
from mastertrading.app.commands.probe import check_order
from mastertrading.app.rehearsal import Held, Rehearsed, Rests, WouldSend
from mastertrading.app.state_folder import run_facts
from mastertrading.app.trading.wish import wish_of
from mastertrading.domain.errors import SafetyBlocked, UsageError
from mastertrading.domain.facts import AccountName
from mastertrading.journal.opening import open_journal
from mastertrading.settings.load import load
from mastertrading.settings.schema import Settings

WELL = Rehearsed(
    "binance_usdm:testnet:main",
    5,
    (Held("BTCUSDT", "0.01", "0.01", True),),
    (Rests("BTCUSDT", "stop", "sell", "", "64000", "64000"),),
    (),
    (),
    (),
    "0",
)
NAKED = replace(
    WELL,
    held=(Held("BTCUSDT", "0.02", "0.01", False),),
    rests=(),
    would_send=(WouldSend("BTCUSDT", "place", "stop", "sell", "0.01", "64000", "stop"),),
    unresolved=("mte1",),
    unseen=("mts2",),
    wallet_difference="-1.5",
)


@pytest.fixture
def account(tmp_path, monkeypatch):
    """A journal that was traded, and keys that open nothing here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MASTERTRADING_KEYS_MAIN_API_KEY", "canary-a")
    monkeypatch.setenv("MASTERTRADING_KEYS_MAIN_SECRET", "canary-b")
    name = AccountName("binance_usdm", "testnet", "main")
    url = f"sqlite:///{tmp_path}/journal.db"
    journal = open_journal(url, account=name, create=True)
    journal.acquire("a trader", 0, 10**14)
    journal.begin_run(run_facts(Settings(), 5))
    journal.close()
    return tmp_path / "journal.db"


@pytest.fixture
def asked(monkeypatch, capsys, account):
    """Ask, with a venue that tells what the test says."""

    def ask(told, *words):
        @asynccontextmanager
        async def door(wish, environ, keys):
            yield None

        async def rehearse(settings, instruments, journal, gateway):
            assert journal.lease().holder == "a trader"
            return told

        monkeypatch.setattr(trading_door, "door", door)
        monkeypatch.setattr(rehearsal, "rehearse", rehearse)
        place = ("--mode", "testnet", "--journal", str(account))
        code = main(["reconcile", "--dry-run", *place, *words])
        return code, capsys.readouterr()

    return ask


def test_where_nothing_differs_the_exit_code_is_0(asked, account):
    before = account.read_bytes()
    code, told = asked(WELL)
    assert code == 0
    assert "All is as it should be; nothing was sent." in told.out
    assert account.read_bytes() == before


def test_differences_are_told_with_what_would_be_sent_and_exit_code_4(asked):
    code, told = asked(NAKED)
    assert code == 4
    for words in (
        "DIFFERS",
        "Would be sent",
        "64000",
        "mte1",
        "mts2",
        "differs from the books by -1.5",
        "nothing was sent",
    ):
        assert words in told.out
    assert "canary" not in told.out + told.err


def test_machines_get_the_same(asked):
    code, told = asked(NAKED, "--json")
    found = json.loads(told.out)
    assert code == 4
    assert found["differs"] is True
    assert found["would_send"][0]["purpose"] == "stop"
    assert json.loads(asked(WELL, "--json")[1].out)["differs"] is False


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("reconcile",), 2, "only --dry-run"),
        (("reconcile", "--dry-run"), 2, "lives in its trader"),
        (("reconcile", "--dry-run", "--mode", "testnet", "--journal", "none.db"), 3, "no journal here yet"),
        (("probe", "--with-order"), 2, "sends no order"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_in_our_words(account, capsys, words, code, told):
    assert main(list(words)) == code
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mode", "name", "allowed"), [("testnet", "", True), ("live", "", False), ("live", "main", True)]
)
def test_a_probe_places_an_order_on_a_live_account_only_by_its_name(mode, name, allowed):
    resolved = load(None, environ={}, overrides=[])
    exchange = resolved.settings.exchange.model_copy(update={"mode": mode, "account": "main"})
    settings = resolved.settings.model_copy(update={"exchange": exchange})
    wish = wish_of(replace(resolved, settings=settings), ("BTCUSDT",))
    if allowed:
        check_order(wish, name)
        return
    with pytest.raises(SafetyBlocked, match="needs its name"):
        check_order(wish, name)


def test_a_paper_account_has_no_order_to_probe_with():
    resolved = load(None, environ={}, overrides=[])
    with pytest.raises(UsageError):
        check_order(wish_of(resolved, ("BTCUSDT",)), "")
