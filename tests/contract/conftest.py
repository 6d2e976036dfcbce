"""Fixtures of the contract: both venues, on both transports."""

from __future__ import annotations

import pytest

from local_venues import TRANSPORTS, VENUES, Scenario, play


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """The folder of the throw-away certificates."""
    return tmp_path_factory.mktemp("authority")


@pytest.fixture(params=VENUES)
def venue(request):
    return request.param


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture(name="play")
def play_here(venue, transport, authority):
    """Run a scenario against a fresh exchange at one venue, by one transport."""

    def run(scenario: Scenario, weather=None):
        return play(scenario, venue, transport, authority, weather)

    return run
