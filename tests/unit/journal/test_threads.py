"""Writing from an event loop: in order, in one thread, and never cut by a cancelled caller."""

from __future__ import annotations

import asyncio
import threading

import pytest

from journal_made import ACCOUNT, Template, begun, fill, intent, sqlite_url
from mastertrading.domain.errors import InvariantBroken
from mastertrading.journal.memory import memory_journal
from mastertrading.journal.opening import open_journal
from mastertrading.journal.threads import Inline, Threaded


def desks(tmp_path):
    path = Template(tmp_path).copy()
    yield Threaded(lambda: begun(open_journal(sqlite_url(path), account=ACCOUNT)))
    yield Inline(begun(memory_journal(ACCOUNT)))


@pytest.mark.parametrize("which", [0, 1])
def test_work_is_done_in_the_order_in_which_it_was_handed_in(tmp_path, which):
    async def scene(desk):
        jobs = [desk.run(lambda j, k=k: j.prepare(intent(bar_ms=k), at_ms=k)) for k in range(1, 9)]
        done = await asyncio.gather(*jobs)
        assert [one.number for (one,) in done] == list(range(1, 9))
        with pytest.raises(InvariantBroken):
            await desk.run(lambda j: j.prepare(intent(bar_ms=1), at_ms=9))
        assert len(await desk.run(lambda j: j.open_commands())) == 8
        await desk.close()
        await desk.close()

    asyncio.run(scene(list(desks(tmp_path))[which]))


def test_the_loop_goes_on_while_the_database_is_slow(tmp_path):
    desk = next(desks(tmp_path))
    gate = threading.Event()

    async def scene():
        slow = asyncio.ensure_future(
            desk.run(lambda j: gate.wait(5) and j.book_fill(fill(1, 1, "1", "2"), at_ms=1))
        )
        await asyncio.sleep(0)
        assert not slow.done()
        gate.set()
        assert await slow == 1
        names = {await desk.run(lambda _: threading.current_thread().name) for _ in range(3)}
        assert len(names) == 1
        await desk.close()

    asyncio.run(scene())


def test_a_cancelled_caller_does_not_cut_a_commit(tmp_path):
    desk = next(desks(tmp_path))
    gate = threading.Event()

    async def scene():
        slow = asyncio.ensure_future(
            desk.run(lambda j: gate.wait(5) and j.book_fill(fill(1, 1, "1", "2"), at_ms=1))
        )
        await asyncio.sleep(0)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        gate.set()
        assert len(await desk.run(lambda j: j.fills())) == 1
        await desk.close()

    asyncio.run(scene())
