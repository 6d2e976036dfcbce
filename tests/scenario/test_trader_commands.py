"""``start``, ``status``, ``pause``, ``flatten``, ``resume``, ``stop``, ``logs``: a trader steered from outside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess

import pytest

from trader_process import command, environ, served_in, trade, until


class Desk:
    """Where a person types."""

    def __init__(self, folder):
        self.folder = folder

    async def say(self, *words, told=None):
        child = await asyncio.create_subprocess_exec(
            *(told or command(self.folder, *words)),
            env=environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
        )
        out, err = await asyncio.wait_for(child.communicate(), 90)
        return child.returncode, out.decode(), err.decode()

    async def start(self):
        words = [word for word in trade(self.folder) if word != "--no-wait"]
        words[words.index("trade")] = "start"
        return await self.say(told=words)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_trader_is_started_steered_and_ended_and_each_says_what_stays_on_the_exchange(tmp_path):
    async def scene(local):
        desk, account = Desk(tmp_path), local.account()
        assert (await desk.say("status"))[0] == 5
        code, out, err = await desk.start()
        assert (code, "is traded by process" in out) == (0, True), err
        code, _, err = await desk.start()
        assert (code, "trades here already" in err) == (3, True)

        await until(lambda: any(one.lots for one in account.legs.values()))
        code, out, _ = await desk.say("pause")
        assert code == 0
        assert "what will stay on the exchange: positions stay, are managed as ever" in out
        assert "done: trading → pause" in out

        code, out, _ = await desk.say("flatten")
        assert (code, "nothing is held" in out.split("on the exchange is now:")[1]) == (0, True)
        assert not any(one.lots for one in account.legs.values())
        assert not account.open

        code, out, _ = await desk.say("resume", "--json")
        told = json.loads(out)
        assert (code, told["obeyed"], told["after"]) == (0, True, "trading")

        code, out, err = await desk.say("stop")
        log = (tmp_path / "state" / "binance_usdm-testnet" / "trader.log").read_text()
        assert (code, "it has ended; on the exchange stays:" in out) == (0, True), err + log
        code, out, _ = await desk.say("status", "--json")
        assert (code, json.loads(out)["running"]) == (5, False)
        assert (await desk.say("stop"))[0] == 5
        code, out, _ = await desk.say("logs", "-n", "20")
        assert (code, "no longer trading: stopped" in out) == (0, True)

        code, out, _ = await desk.say("pause")
        assert (code, "the next start obeys it" in out) == (5, True)

    served_in(tmp_path)(scene)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_trader_that_was_killed_leaves_a_journal_that_the_next_one_goes_on_with(tmp_path):
    async def scene(local):
        desk, account = Desk(tmp_path), local.account()
        code, _, err = await desk.start()
        assert code == 0, err
        await until(lambda: any(one.lots for one in account.legs.values()))
        claim = json.loads((tmp_path / "state" / "binance_usdm-testnet" / "trader.json").read_text())
        os.kill(claim["pid"], signal.SIGKILL)
        await asyncio.sleep(0.5)
        assert (await desk.say("status"))[0] == 5
        code, _, err = await desk.start()  # at once, though its predecessor's right to write has not run out
        assert code == 0, err
        log = tmp_path / "state" / "binance_usdm-testnet" / "trader.log"
        await until(lambda: log.read_text().count("trading testnet") == 2, 60)
        assert "standing by" not in log.read_text()
        code, out, _ = await desk.say("force-stop", "--json")
        assert (code, json.loads(out)["ended"]) == (0, True)

    served_in(tmp_path)(scene)
