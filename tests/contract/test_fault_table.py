from __future__ import annotations

import difflib

import pytest

from contract.fault_probes import PROBES
from contract.fault_table import COMMAND, PAGE, UNSEEN, page, rows_of
from mastertrading.simulator.faults.catalogue import CATALOGUE


def test_every_fault_of_the_catalogue_has_a_probe():
    assert set(PROBES) == set(CATALOGUE)


@pytest.mark.parametrize("key", CATALOGUE)
def test_a_fault_is_hit_and_its_client_sees_it(key):
    for row in rows_of(key):
        assert row.hits > 0, (row.venue, row.given)
        assert row.bugs == [], row.bugs[0]
        assert row.total == 0, (row.venue, row.given)
        if (key, row.venue) not in UNSEEN:
            assert row.seen != row.without, (row.venue, row.given)


def test_the_page_says_what_this_ccxt_makes_of_every_fault():
    said, told = PAGE.read_text(encoding="utf-8"), page()
    changes = "\n".join(difflib.unified_diff(said.splitlines(), told.splitlines(), lineterm="", n=0))
    assert said == told, f"docs/faults.md is not what comes out; to make it anew: {COMMAND}\n{changes}"
