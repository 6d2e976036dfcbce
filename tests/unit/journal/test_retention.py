"""What a minute leaves behind is thinned; money is not; and no cycle feels how long the history is."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from journal_made import ACCOUNT, Template, begun, cycle, fill, sqlite_url
from mastertrading.journal.opening import open_journal
from mastertrading.journal.retention import DAY_MS, HOUR_MS, Retention, thin

DAYS = 90
KEEP = Retention(decisions_days=5, cycles_days=5, states_hours=6, states_days=2, equity_days=3)


def lived(journal, days, sizes, seconds):
    """Days of a cycle an hour, one round trip a day, thinned four times a day."""
    for number in range(1, days * 24 + 1):
        bar_ms = number * HOUR_MS
        facts = cycle(bar_ms, state=number.to_bytes(4, "big") * 250)
        if number % 12 == 0:
            wish = replace(facts.decisions[0], lots=3, refusal=0)
            deal = fill(number, 1 if number % 24 else -1, "0.003", "50000", bar_ms)
            facts = replace(facts, decisions=(wish, facts.decisions[1]), fills=(deal,))
        began = perf_counter()
        journal.commit_cycle(facts, bar_ms + 100)
        seconds.append(perf_counter() - began)
        if number % 6 == 0:
            thin(journal.store, bar_ms, KEEP)
        if number % 24 == 0:
            with journal.store.rows._execute("PRAGMA page_count", ()) as cursor:
                sizes.append(cursor.fetchone()[0])


def middle(values):
    return sorted(values)[len(values) // 2]


def test_ninety_days_grow_no_further_than_the_first_weeks(tmp_path):
    journal = begun(open_journal(sqlite_url(Template(tmp_path).copy()), account=ACCOUNT, durable=False))
    sizes, seconds = [], []
    lived(journal, DAYS, sizes, seconds)
    growth = (sizes[-1] - sizes[30]) / (DAYS - 30)
    assert growth < 0.01 * sizes[30]
    assert middle(seconds[-500:]) < 2.0 * middle(seconds[200:700])
    now_ms = DAYS * DAY_MS
    old = journal.decisions("BTCUSDT", 0, now_ms - 6 * DAY_MS)
    assert old
    assert all(one.lots for one in old)
    assert len(journal.decisions("BTCUSDT", now_ms - 4 * DAY_MS, now_ms)) == 4 * 24
    assert len(journal.fills()) == 2 * DAYS
    assert len(journal.trades()) == DAYS
    points = [one.ts_ms for one in journal.equity() if one.ts_ms < now_ms - 4 * DAY_MS]
    assert len({point // HOUR_MS for point in points}) == len(points)
    assert int.from_bytes(journal.latest_state().state[:4], "big") == DAYS * 24
    journal.verify()
    journal.close()


def test_a_long_backlog_is_thinned_in_bounded_pieces(tmp_path):
    journal = begun(open_journal(sqlite_url(Template(tmp_path).copy()), account=ACCOUNT, durable=False))
    for number in range(1, 301):
        journal.commit_cycle(cycle(number * 60_000), number * 60_000)
    later = 400 * DAY_MS
    removed = []
    while not removed or removed[-1]:
        removed.append(thin(journal.store, later, limit=100))
    assert max(removed) <= 100 * 6
    assert len(removed) > 3
    assert journal.decisions("BTCUSDT", 0, later) == ()
    assert len(journal.equity()) == 6
    assert journal.latest_state().number == 300
    journal.close()
