"""Hours of a market, lived with a journal in a file, and the run of a backtest over the same bars."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from mastertrading.app.demo import act_of, demo_bars, demo_settings, demonstrate
from mastertrading.app.lived.account import Account
from mastertrading.app.lived.source import JournalSource
from mastertrading.app.played import Played
from mastertrading.backtest.run import Ask
from mastertrading.domain.facts import AccountName
from mastertrading.journal.opening import open_journal
from mastertrading.settings.schema import Settings

NAMES = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
HOURS = 5


@pytest.fixture(scope="session")
def lived(tmp_path_factory):
    """A folder with a journal, and one of the backtest's run."""
    settings = demo_settings(Settings())
    bars = demo_bars(NAMES, HOURS, 0)
    market = bars.market(settings)
    act = act_of(market, settings, "paper", HOURS, None)
    folder = tmp_path_factory.mktemp("lived") / "account"
    demonstrate(act, bars, folder, HOURS, on_bar=lambda world: None, clock=time.monotonic)
    run = tmp_path_factory.mktemp("lived") / "run"
    Played(market, settings, Ask(act.from_ms, act.to_ms, all_paths=False), None, ()).save(run)
    return SimpleNamespace(folder=folder, run=run)


@pytest.fixture
def journal(lived):
    opened = open_journal(
        f"sqlite:///{lived.folder}/journal.db", account=AccountName("paper", "paper", "me"), read_only=True
    )
    yield opened
    opened.close()


@pytest.fixture
def source(journal, lived):
    return JournalSource(Account(journal, str(lived.folder)))
