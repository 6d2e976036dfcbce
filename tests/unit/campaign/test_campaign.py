"""A story is the same run again; what is covered is counted; deaths are real; results are kept."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mastertrading.app.campaign import faults, sheet
from mastertrading.app.campaign.crash import death_named, deaths_in_figures, deaths_of
from mastertrading.app.campaign.doors import MOMENTS, Moment
from mastertrading.app.campaign.faults import AMONG, Wanted, shrunk, story_of
from mastertrading.app.campaign.invariants import Violation
from mastertrading.app.campaign.report import figures, share
from mastertrading.app.campaign.scenarios import scenarios
from mastertrading.app.campaign.story import Kill, Story, read_story, write_story
from mastertrading.app.campaign.trial import Trial, Verdict, tried
from mastertrading.domain.errors import ConfigError, UsageError

SHORT = {"minutes": 6, "calm_minutes": 2}


def scenario(name):
    return next(one for one in scenarios() if one.name == name)


@pytest.mark.parametrize("venue", ["paper", "binance_usdm", "bybit_linear"])
def test_without_faults_the_books_are_those_of_the_exchange_and_much_happens(venue):
    verdict = tried(Story(venue=venue, seed=1, **SHORT))
    money = {"J1", "J2", "J4", "J5", "J6", "J8", "O1", "O2", "O3", "O4", "O5", "D3", "P1", "P5", "L1", "L4"}
    assert not [one for one in verdict.violations if one.invariant in money]
    assert verdict.fills > 6
    assert verdict.held_share > 0.5
    assert verdict.reconverged_ms >= 0


def test_a_seed_is_the_same_run_again_to_the_last_request():
    one, again = (Trial(story_of(1, 4, 1)) for _ in range(2))
    told = [trial.run().plain() | {"cpu_s": 0} for trial in (one, again)]
    assert told[0] == told[1]
    assert one.world.wire.sent == again.world.wire.sent
    assert one.world.fate.steps == again.world.fate.steps


def test_six_seeds_cover_what_a_campaign_is_for():
    told = figures([tried(story_of(seed, 6, 1)) for seed in range(6)], AMONG)["coverage"]
    assert told["faults_a_seed"] >= 3
    assert told["held_in_fault"] >= 0.9
    assert told["held"] > 0.5
    assert sum(map(bool, told["hits"].values())) >= 15
    assert len(told["states"]) > 20


def test_every_fault_of_the_campaign_is_drawn():
    drawn = {row["id"] for seed in range(300) for row in story_of(seed).faults}
    assert drawn == set(AMONG)


def test_after_a_death_another_process_goes_on_from_the_journal():
    story = scenario("long, stopped (paper)")
    trial = Trial(story)
    whole = trial.run()
    step = next(s for s in trial.world.fate.steps if s.name == "place")
    died = tried(replace(story, kills=(Kill(step.number, Moment.REPLIED.value),)))
    assert (died.deaths, died.lives) == (1, 2)
    assert died.fills == whole.fills
    assert died.starts
    assert max(died.starts) <= 3
    assert died.is_good


def test_a_request_whose_sender_dies_still_arrives():
    story = scenario("long, stopped (binance_usdm)")
    trial = Trial(story)
    trial.run()
    step = next(s for s in trial.world.fate.steps if s.name == "place")
    after = Trial(replace(story, kills=(Kill(step.number, Moment.SENT.value),)))
    after.run()
    (when, *_), *_ = after.world.deaths
    first = min(after.world.account.orders.values(), key=lambda order: order.number)
    assert when < first.created_ms <= when + 2_000
    before = Trial(replace(story, kills=(Kill(step.number, Moment.BEFORE.value),)))
    before.run()
    assert first.client_id not in {order.client_id for order in before.world.account.orders.values()}


def test_each_step_has_each_of_its_deaths():
    story = scenario("long, stopped (paper)")
    made = deaths_of(story)
    trial = Trial(story)
    trial.run()
    steps = trial.world.fate.steps[: trial.world.rest_step]
    assert len(made) == sum(len(MOMENTS[step.kind]) for step in steps)
    assert len({one.name for one in made}) == len(made)
    assert {kind for _, kind, _ in steps} == set(MOMENTS)


def test_a_death_is_the_same_again_by_its_name():
    story = scenario("long, stopped (paper)")
    once, twice = deaths_of(story)[17], deaths_of(story, twice=True)[40]
    assert death_named(once.name) == once
    assert death_named(twice.name, "sqlite") == replace(twice, journal="sqlite")
    with pytest.raises(UsageError, match="no scenario dies"):
        death_named("long, stopped (paper): 3 place, of old age")


def test_deaths_are_counted_by_moment_and_starts_by_rounds():
    one, another = Verdict("a: 1 place, after reply", 0, "paper"), Verdict("b: 2 mark, before", 0, "paper")
    one.died, one.starts = ["place, after reply"], [1, 2]
    another.died, another.never = ["mark, before"], 1
    another.violations.append(Violation("L1", 0, "", "never"))
    told = deaths_in_figures([one, another])
    assert told["moments"] == {
        "after reply": {"deaths": 1, "failing": 0},
        "before": {"deaths": 1, "failing": 1},
    }
    assert (told["rounds"]["max"], told["rounds"]["never"]) == (2, 1)
    assert [row["death"] for row in told["failing"]] == [another.key]


def test_books_in_a_file_that_each_process_opens_anew_lead_to_the_same_run():
    story = scenario("long, stopped (binance_usdm)")
    died = replace(story, minutes=3, kills=(Kill(43, Moment.SENT.value),))
    in_memory, in_a_file = (tried(replace(died, journal=kind)).plain() for kind in ("memory", "sqlite"))
    assert in_a_file["lives"] == 2
    assert in_a_file | {"cpu_s": 0} == in_memory | {"cpu_s": 0}


def test_there_are_thirty_scenarios_and_each_trades():
    every = scenarios()
    assert len(every) >= 30
    assert len({one.name for one in every}) == len(every)
    for story in every[::14]:
        assert tried(story).fills > 0


def test_a_story_is_read_as_it_was_written(tmp_path):
    story = replace(story_of(3), kills=(Kill(3, "before"),), said={"BTCUSDT": {1: 0.5}}, path=(0.1,))
    write_story(story, tmp_path / "deep" / "story.json", invariant="P1")
    assert read_story(tmp_path / "deep" / "story.json") == story
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ConfigError, match="no story"):
        read_story(tmp_path / "bad.json")


def test_a_campaign_goes_on_where_it_stopped(tmp_path, monkeypatch):
    wanted = Wanted(count=2, minutes=3, calm_minutes=1, folder=tmp_path)
    first = faults.campaign(wanted)
    path = tmp_path / "verdicts.jsonl"
    with path.open("a") as file:
        file.write('{"key": "cut off')
    monkeypatch.setattr(sheet, "tried", lambda story: pytest.fail("it was tried before"))
    assert faults.campaign(wanted) == first
    assert json.loads(path.read_text().splitlines()[0])["minutes"] == 3
    with pytest.raises(ConfigError, match="another campaign"):
        faults.campaign(replace(wanted, minutes=4))


def test_a_failing_story_is_made_small(monkeypatch):
    story = story_of(1)
    guilty = story.faults[1]["id"]

    def judged(one):
        verdict = Trial(Story(minutes=3, calm_minutes=1)).verdict
        if guilty in [row["id"] for row in one.faults]:
            verdict.violations.append(Violation("P1", 0, "", ""))
        return verdict

    monkeypatch.setattr(faults, "tried", judged)
    small = shrunk(story, "P1")
    assert [row["id"] for row in small.faults] == [guilty]
    assert small.minutes == 5


def test_a_share_is_a_value_that_was_there():
    assert share([], 0.99) == 0
    assert share([3, 1, 2], 0.5) == 2
    assert share(list(range(100)), 0.99) == 99
