"""A story is the same run again; what is covered is counted; deaths are real; results are kept."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from mastertrading.app.campaign import faults, sheet, shrinking
from mastertrading.app.campaign.coverage import IN_FLIGHT, NEVER, NOT_TRIED, STATES, coverage
from mastertrading.app.campaign.crash import death_named, deaths_in_figures, deaths_of
from mastertrading.app.campaign.doors import MOMENTS, Moment
from mastertrading.app.campaign.faults import AMONG, EVERYWHERE, ON_STREAMS, Wanted, story_of
from mastertrading.app.campaign.invariants import Checker, Violation
from mastertrading.app.campaign.report import figures, share
from mastertrading.app.campaign.scenarios import scenarios
from mastertrading.app.campaign.shrinking import shrunk
from mastertrading.app.campaign.story import Kill, Story, read_story, write_story
from mastertrading.app.campaign.trial import Trial, Verdict, tried
from mastertrading.domain.errors import ConfigError, UsageError
from mastertrading.simulator.faults.catalogue import CATALOGUE

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
    assert told["goals"]["faults a seed >= 3"]
    assert told["held_in_fault"] >= 0.9
    assert told["held"] > 0.5
    assert sum(map(bool, told["hits"].values())) >= 15
    assert len(told["states"]) > 20


def test_every_fault_of_the_campaign_is_drawn():
    drawn = {row["id"] for seed in range(300) for row in story_of(seed).faults}
    assert drawn == set(EVERYWHERE)
    assert set(EVERYWHERE) == set(CATALOGUE) - set(NOT_TRIED)


def test_faults_of_streams_befall_only_those_who_live_by_them():
    stories = [story_of(seed) for seed in range(40)]
    assert sum(story.streams for story in stories) == 8
    for story in stories:
        assert any(row["id"] in ON_STREAMS for row in story.faults) == story.streams
    assert all(story_of(seed, among=("D05",)).streams for seed in range(4))


def test_a_trader_on_its_streams_trades_through_what_they_suffer():
    rows = [{"id": key, "after_s": 60, "for_s": 120, "chance": 0.5} for key in ("N12", "N13", "D01", "D11")]
    rows.append({"id": "N14", "after_s": 100, "for_s": 60, "every_ms": 10_000})
    verdict = tried(Story(venue="binance_usdm", seed=3, streams=True, faults=tuple(rows), **SHORT))
    assert verdict.is_good, verdict.violations
    assert verdict.fills > 2
    assert all(verdict.hits[row["id"]] for row in rows)
    assert {pair.split()[0] for pair in verdict.states} == {row["id"] for row in rows}


def test_goals_are_met_by_what_was_tried_and_by_nothing_else():
    keys = ("N06", "X08", "D13")
    states = {f"{key} {state}": 1 for key in keys for state in STATES}
    met = coverage(10, 30, 9, dict.fromkeys(keys, 30), states, keys)
    assert all(met["goals"].values())
    assert met["excluded"].keys() >= {"D13"}
    less = coverage(10, 29, 8, {**dict.fromkeys(keys, 30), "X08": 29}, {**states, "N06 unknown": 0}, keys)
    assert not any(less["goals"].values())
    assert (less["rare"], less["pairs"]["missing"]) == (["X08"], ["N06 unknown"])
    assert set(IN_FLIGHT) == {"prepared", "sent", "unknown", "ack", "working", "partial"}
    assert all(key in CATALOGUE and state in STATES for key, state in NEVER)


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
    whole = Trial(replace(story, minutes=3))
    whole.run()
    step = next(one for one in whole.world.fate.steps if one.name == "place")
    died = replace(story, minutes=3, kills=(Kill(step.number, Moment.SENT.value),))
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
    first = list(faults.campaign(wanted))
    path = tmp_path / "verdicts.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"key": "cut off')
    monkeypatch.setattr(sheet, "tried", lambda story: pytest.fail("it was tried before"))
    assert list(faults.campaign(wanted)) == first
    assert path.read_text() == whole
    assert json.loads(whole.splitlines()[0])["minutes"] == 3
    with pytest.raises(ConfigError, match="another campaign"):
        faults.campaign(replace(wanted, minutes=4))
    monkeypatch.setattr(sheet, "made_by", lambda: {"code": "another", "ccxt": "1"})
    with pytest.raises(ConfigError, match="other code"):
        faults.campaign(wanted)


def test_a_line_after_one_that_was_cut_off_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "tried", lambda story: Verdict(story.name, story.seed, story.venue))
    faults.campaign(Wanted(count=1, folder=tmp_path))
    path = tmp_path / "verdicts.jsonl"
    path.write_text(path.read_text() + '{"key"')
    assert [one.seed for one in faults.campaign(Wanted(count=3, folder=tmp_path))] == [0, 1, 2]
    path.write_text('{"campaign": "fau')  # killed while it wrote its first line
    assert len(list(faults.campaign(Wanted(count=2, folder=tmp_path)))) == 2


def test_a_killed_campaign_leaves_nobody_behind_and_goes_on(tmp_path):
    words = [sys.executable, "-m", "mastertrading", "campaign", "faults", "--seeds", "6", "--minutes", "3"]
    words += ["--calm", "1", "--workers", "2", "--out", str(tmp_path), "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    path = tmp_path / "verdicts.jsonl"
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as running:
        while not path.is_file() or path.read_bytes().count(b"\n") < 3:
            assert running.poll() is None
            select.select([], [], [], 0.05)
        running.kill()
    deadline = time.monotonic() + 20
    while _lives_a_group(running.pid):
        assert time.monotonic() < deadline, "its workers live on"
        select.select([], [], [], 0.05)
    kept = path.read_bytes()
    done = subprocess.run(words, env=environment, check=False, capture_output=True, text=True)
    assert json.loads(done.stdout)["seeds"] == 6
    assert path.read_bytes().startswith(kept[: kept.rfind(b"\n") + 1])
    assert path.read_bytes().count(b"\n") == 7


def _lives_a_group(number):
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_failing_story_is_made_small(monkeypatch):
    story = replace(story_of(4), symbols=("BTCUSDT", "ETHUSDT"))
    guilty, helper = story.faults[1]["id"], story.faults[-1]["id"]

    def judged(one):
        verdict = Verdict(one.name, one.seed, one.venue)
        if {guilty, helper} <= {row["id"] for row in one.faults} and "ETHUSDT" in one.symbols:
            verdict.violations.append(Violation("P1", 0, "", ""))
        verdict.violations.append(Violation("P7", 0, "", ""))
        return verdict

    monkeypatch.setattr(shrinking, "tried", judged)
    small = shrunk(story, "P1")
    assert [row["id"] for row in small.faults] == [guilty, helper]
    assert (small.symbols, small.calm_minutes, small.streams) == (("ETHUSDT",), 1, False)
    assert shrunk(story, "O1") == story


def test_a_small_story_breaks_the_same_again_from_its_file(tmp_path, monkeypatch):
    def judged(one):
        return Trial(one, (NoEntries,)).run()

    monkeypatch.setattr(shrinking, "tried", judged)
    small = shrunk(story_of(1, 5, 2), NoEntries.id)
    assert (small.faults, small.calm_minutes, len(small.symbols)) == ((), 1, 1)
    write_story(small, tmp_path / "small.json")
    assert {one.invariant for one in judged(read_story(tmp_path / "small.json")).violations} == {NoEntries.id}


class NoEntries(Checker):
    """Speaks at every entry."""

    id, reads, says = "none may enter", "XB", "no order enters"

    def on_sent(self, sent):
        if sent.client_id[2:3] == "e":
            self.fail(sent.client_id, "it entered")


def test_a_share_is_a_value_that_was_there():
    assert share([], 0.99) == 0
    assert share([3, 1, 2], 0.5) == 2
    assert share(list(range(100)), 0.99) == 99
