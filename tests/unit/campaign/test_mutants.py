"""The mutants fit the code that they change, and say who is meant to catch them; one is hunted here, all by hand."""

from __future__ import annotations

import subprocess

import pytest

from mastertrading.app.campaign.invariants import CHECKERS
from mutants.hunting import ROOT, applied, expected, hunted, patches


@pytest.mark.parametrize("patch", patches(), ids=lambda one: one.stem)
def test_a_mutant_fits_and_names_an_invariant(patch):
    fits = subprocess.run(["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, check=False)
    assert fits.returncode == 0, fits.stderr
    assert expected(patch) in {checker.id for checker in CHECKERS}


def test_there_are_thirty_mutants():
    assert len(patches()) >= 30


def test_a_mutant_is_another_program(tmp_path):
    applied(patches()[0], tmp_path)
    old = (ROOT / "src/mastertrading/live").glob("*.py")
    assert any((tmp_path / "src/mastertrading/live" / one.name).read_text() != one.read_text() for one in old)


def test_an_entry_of_twice_the_size_is_caught_by_an_invariant():
    patch = next(one for one in patches() if one.stem == "twice-the-size")
    told = hunted(patch)
    assert told["caught"] == "R2", told
