"""Each mutant fits the code that it changes, and is caught by an invariant where the unchanged code says nothing.

Those whose patch names no story yet are hunted by hand: ``python tests/mutants/hunting.py --search NAME``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mastertrading.app.campaign.invariants import CHECKERS
from mutants.grounds import by_name
from mutants.hunting import NO_CATCH, ROOT, applied, expected, ground, patches

PARTS = 4


@pytest.mark.parametrize("patch", patches(), ids=lambda one: one.stem)
def test_a_mutant_fits_and_names_an_invariant(patch):
    fits = subprocess.run(["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, check=False)
    assert fits.returncode == 0, fits.stderr
    assert expected(patch) in {checker.id for checker in CHECKERS} - NO_CATCH
    assert not ground(patch) or ground(patch) in by_name()


def test_there_are_thirty_mutants():
    assert len(patches()) >= 30


def test_a_mutant_is_another_program(tmp_path):
    applied(patches()[0], tmp_path)
    old = (ROOT / "src/mastertrading/live").glob("*.py")
    assert any((tmp_path / "src/mastertrading/live" / one.name).read_text() != one.read_text() for one in old)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_mutant_is_caught_by_its_invariant_in_a_story_that_the_unchanged_code_passes(part):
    known = [patch for patch in patches() if ground(patch)][part::PARTS]
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests/mutants/hunting.py"), *(patch.stem for patch in known)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    told = [json.loads(line) for line in run.stdout.splitlines()]
    assert {one["mutant"]: one["caught"] for one in told} == {one.stem: expected(one) for one in known}, (
        run.stderr
    )
