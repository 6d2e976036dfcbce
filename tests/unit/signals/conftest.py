from __future__ import annotations

import pytest

from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules
from signal_markets import DATA, session_minutes, walk_market


@pytest.fixture(scope="session")
def rules():
    return signal_rules(Settings())


@pytest.fixture(scope="session")
def walk():
    """A made market and its minutes."""
    market = walk_market()
    return market, session_minutes(market)


@pytest.fixture
def recorded():
    if not DATA.is_dir():
        pytest.skip("the recorded data is not here")
