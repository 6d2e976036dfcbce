"""The command ``campaign``: seeds, one seed, a scenario again, deaths; exit code 1 for a broken invariant."""

from __future__ import annotations

import json

import pytest

from mastertrading.app import cli
from mastertrading.app.campaign.story import Story, write_story

QUICK = ("--minutes", "3", "--calm", "1")


def test_a_campaign_says_in_json_what_it_covered(capsys):
    code = cli.main(["campaign", "faults", "--seeds", "1", "--only", "N01,N15", *QUICK, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["seeds"] == 1
    assert code == int(told["good"] != told["seeds"])
    assert {"P1", "O1", "J1", "L1"} <= set(told["violations"])
    assert {"faults_a_seed", "held_in_fault", "hits", "states"} <= set(told["coverage"])


def test_a_story_is_replayed_from_its_file(tmp_path, capsys):
    path = tmp_path / "story.json"
    write_story(Story(name="quiet", venue="paper", minutes=3, calm_minutes=1), path)
    assert cli.main(["campaign", "faults", "--scenario", str(path)]) == 0
    assert "every invariant held" in capsys.readouterr().out


def test_deaths_of_one_scenario_are_told(capsys):
    words = ["campaign", "crash", "--named", "flip (paper)", "--every", "150", "--json"]
    cli.main(words)
    told = json.loads(capsys.readouterr().out)
    assert told["deaths"] == told["seeds"] > 0


def test_the_scenarios_have_names(capsys):
    assert cli.main(["campaign", "crash", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 30


@pytest.mark.parametrize(
    "words",
    [
        ("faults", "--only", "Z99"),
        ("faults", "--minutes", "1"),
        ("faults", "--seeds", "0"),
        ("crash", "--named", "no such"),
        ("crash", "--workers", "0"),
    ],
)
def test_what_cannot_be_meant_is_refused(words, capsys):
    assert cli.main(["campaign", *words]) == 2
    assert "Traceback" not in capsys.readouterr().err
