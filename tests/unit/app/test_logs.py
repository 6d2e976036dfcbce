"""No line of a log holds a secret, and the file is turned over."""

from __future__ import annotations

import logging

import pytest

from mastertrading.app import logs
from mastertrading.app.logs import Logs, redacted, secrets_in

CANARY = "canary-c4n4ry-4711"


@pytest.mark.parametrize(
    "line",
    [
        f"GET /fapi/v1/order?symbol=BTC&signature={CANARY}&x=1",
        f"{{'X-MBX-APIKEY': '{CANARY}'}}",
        f'{{"secret": "{CANARY}", "b": 1}}',
        f"postgresql://trader:{CANARY}@host/name",
        f"api_key = {CANARY}",
        f"listenKey={CANARY}",
    ],
)
def test_what_follows_a_telling_word_is_hidden(line):
    assert CANARY not in redacted(line)


def test_an_ordinary_line_stays_as_it_is():
    line = "bar of 2026-11-21 20:43: equity 10,000.00, BTCUSDT long 0.01 at 64,000.1"
    assert redacted(line) == line


def test_a_secret_is_hidden_wherever_it_stands_tracebacks_included(tmp_path, capsys):
    environ = {"MASTERTRADING_KEYS_MAIN_SECRET": CANARY, "LANG": "es_MX.UTF-8"}
    assert secrets_in(environ) == [CANARY]
    log = logging.getLogger("mastertrading.test")
    with Logs(tmp_path / "a.log", secrets_in(environ)):
        log.warning("it is %s", CANARY)
        try:
            raise ValueError(f"strange: {CANARY}")
        except ValueError:
            log.exception("a bug")
    told = (tmp_path / "a.log").read_text() + capsys.readouterr().err
    assert CANARY not in told
    assert told.count("ValueError: strange: …") == 2
    assert not logging.getLogger("mastertrading").handlers


def test_a_long_log_is_turned_over_and_the_oldest_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MOST_BYTES", 300)
    log = logging.getLogger("mastertrading.test")
    with Logs(tmp_path / "a.log", shows=False):
        for n in range(60):
            log.info("line %03d", n)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["a.log", *(f"a.log.{n}" for n in range(1, 6))]
    assert "line 059" in (tmp_path / "a.log").read_text()
