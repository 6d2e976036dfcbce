"""How long the journal takes, and whether its money is right: ``.venv/bin/python scripts/measure_journal.py``.

Prints milliseconds (wall clock; and processor time, which a busy machine does not spoil) of what a trader waits for,
then books random fills and compares every trade, balance and position with fractions::

    scripts/measure_journal.py --url postgresql://user:password@host/name
    scripts/measure_journal.py --fills 100000
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from journal_made import ACCOUNT, begun, cycle, fill, intent, sqlite_url  # noqa: E402
from mastertrading.domain.intents import CommandState, Transition  # noqa: E402
from mastertrading.journal.memory import memory_journal  # noqa: E402
from mastertrading.journal.opening import open_journal  # noqa: E402
from property.test_journal import compare, feed, life  # noqa: E402

SEVEN = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "LINKUSDT")
STATE = os.urandom(6000)


def timed(name, count, action):
    seconds, used = [], process_time()
    for number in range(1, count + 1):
        began = perf_counter()
        action(number)
        seconds.append(perf_counter() - began)
    used = (process_time() - used) / count
    seconds.sort()
    middle, late, worst = seconds[count // 2], seconds[int(count * 0.99)], seconds[-1]
    print(
        f"{name:<34} p50 {middle * 1e3:6.2f}  p99 {late * 1e3:6.2f}  max {worst * 1e3:6.2f}  cpu {used * 1e3:5.2f} ms"
    )


def measure(journal, count):
    def protocol(number):
        one = intent(bar_ms=number, params="x" * 200)
        journal.prepare(one, at_ms=1)
        journal.mark(Transition(one.client_id, CommandState.SENT, 2, deadline_ms=99))

    def fills(number):
        side = 1 if number % 2 else -1
        journal.book_fill(fill(number, side, "0.003", "50000"), at_ms=1)

    timed("PREPARED + SENT, two commits", count, protocol)
    timed(
        "commit_cycle of 7 instruments",
        count,
        lambda k: journal.commit_cycle(cycle(k * 60_000, STATE, SEVEN), k),
    )
    timed("book_fill, one commit", count, fills)
    journal.verify()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--url", default="", help="measure this journal (default: a file that is removed again)"
    )
    parser.add_argument("--count", type=int, default=1000, help="how often each is done")
    parser.add_argument("--fills", type=int, default=0, help="random fills to compare with fractions")
    parser.add_argument("--memory", action="store_true", help="compare the journal in memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or sqlite_url(Path(folder) / "journal.db")
        if options.fills:
            fills, payments = life(7, options.fills)
            journal = (
                memory_journal(ACCOUNT) if options.memory else open_journal(url, account=ACCOUNT, create=True)
            )
            began = perf_counter()
            feed(begun(journal), fills, payments)
            booked = perf_counter() - began
            compare(journal, fills, payments)
            trades = len(journal.trades())
            print(
                f"{options.fills} fills, {len(payments)} payments, {trades} trades: difference 0 ({booked:.0f} s)"
            )
        else:
            journal = begun(open_journal(url, account=ACCOUNT, create=True))
            measure(journal, options.count)
        journal.close()
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
