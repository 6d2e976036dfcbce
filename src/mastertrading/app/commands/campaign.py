"""``campaign faults`` and ``campaign crash``: the live cycle while everything goes wrong."""

from __future__ import annotations

import argparse
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrading.app.messages import tr
from mastertrading.app.options import natural
from mastertrading.app.terminal import err, out, progress, table
from mastertrading.domain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mastertrading.app.campaign.story import Story
    from mastertrading.app.campaign.trial import Verdict

SUMMARY = "try the live cycle against faults and deaths, on a local exchange, by the seed"
MOST_WORKERS = 64
SHOWN = 10
FAILED = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = tr(
        "seeds of random faults over simulated minutes, then none: nothing may break, all must come right"
    )
    faults = actions.add_parser("faults", help=text, description=text)
    faults.add_argument(
        "--seeds", type=natural, default=20, metavar="N", help=tr("how many seeds (default 20)")
    )
    faults.add_argument(
        "--first", type=natural, default=0, metavar="N", help=tr("the first seed (default 0)")
    )
    faults.add_argument("--seed", type=natural, metavar="N", help=tr("one seed alone, told in detail"))
    faults.add_argument(
        "--minutes",
        type=natural,
        default=15,
        metavar="N",
        help=tr("simulated minutes with faults (default 15)"),
    )
    faults.add_argument(
        "--calm",
        type=natural,
        default=5,
        metavar="N",
        help=tr("simulated minutes without, afterwards (default 5)"),
    )
    faults.add_argument("--only", default="", metavar="IDS", help=tr("draw from these faults alone: N06,X08"))
    faults.add_argument(
        "--scenario", type=Path, metavar="FILE", help=tr("replay a story that was written down")
    )
    faults.add_argument(
        "--shrink",
        type=Path,
        metavar="DIR",
        help=tr("make each failing seed as small as it gets, and write it there"),
    )
    _common(faults)
    text = tr("short scenarios, the process killed at every numbered step and started again")
    crash = actions.add_parser("crash", help=text, description=text)
    crash.add_argument("--named", default="", metavar="TEXT", help=tr("only scenarios whose name has this"))
    crash.add_argument(
        "--every", type=natural, default=1, metavar="N", help=tr("only every n-th death (default 1: all)")
    )
    crash.add_argument("--twice", action="store_true", help=tr("kill it a second time while it recovers"))
    crash.add_argument("--list", action="store_true", help=tr("name the scenarios"))
    crash.add_argument("--count", action="store_true", help=tr("count the deaths of each scenario"))
    crash.add_argument("--death", metavar="NAME", help=tr("one death alone, by its name, told in detail"))
    crash.add_argument(
        "--journal",
        choices=("memory", "sqlite"),
        default="memory",
        help=tr("where the books are kept: in memory (default), or in a file that each process opens anew"),
    )
    crash.add_argument(
        "--real",
        action="store_true",
        help=tr("real processes on sockets, killed by SIGKILL, with their books in SQLite"),
    )
    _common(crash)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=natural, default=1, metavar="N", help=tr("processes (default 1)"))
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=tr("keep results there; the same command goes on where it stopped"),
    )
    parser.add_argument("--json", action="store_true", help=tr("print the result as JSON"))


def run(args: argparse.Namespace) -> int:
    """Do it; 1 if an invariant did not hold."""
    if not 1 <= args.workers <= MOST_WORKERS:
        raise UsageError(tr("--workers must be between 1 and {most}").format(most=MOST_WORKERS))
    from mastertrading.app.campaign.sheet import be_quiet

    be_quiet()
    try:
        return _faults(args) if args.action == "faults" else _crash(args)
    finally:
        logging.disable(logging.NOTSET)


# -------------------------------------------------------------------- faults
def _faults(args: argparse.Namespace) -> int:
    from mastertrading.app.campaign.faults import EVERYWHERE, Wanted, campaign
    from mastertrading.app.campaign.report import figures

    only = tuple(one.strip() for one in args.only.split(",") if one.strip())
    unknown = sorted(set(only) - set(EVERYWHERE))
    if unknown:
        raise UsageError(
            tr("no fault of the campaign: {names}").format(names=", ".join(unknown)),
            why=", ".join(EVERYWHERE),
        )
    if args.minutes < 3 or args.seeds == 0:
        raise UsageError(tr("a campaign needs a seed and three minutes"))
    wanted = Wanted(args.first, args.seeds, args.minutes, args.calm, args.workers, args.out, only)
    if args.scenario is not None or args.seed is not None:
        return _one(args, wanted)
    with progress(tr("seeds"), wanted.count, quiet=args.json, eta=True) as advance:
        verdicts = campaign(wanted, advance)
    told = figures(verdicts, only or EVERYWHERE)
    told["replay"] = _replays(told["failing_seeds"], args)
    if args.shrink is not None:
        first = {name: seeds[0] for name, seeds in told["failing_seeds"].items()}
        told["scenarios"] = _shrink(args, {name: wanted.story(seed) for name, seed in first.items()})
    _tell(told, args.json)
    return FAILED if told["good"] != told["seeds"] else 0


def _one(args: argparse.Namespace, wanted: Any) -> int:
    from mastertrading.app.campaign.story import read_story

    story = read_story(args.scenario) if args.scenario is not None else wanted.story(args.seed)
    return _one_story(args, story)


def _one_story(args: argparse.Namespace, story: Story) -> int:
    from mastertrading.app.campaign.trial import tried

    verdict = tried(story)
    if args.json:
        print(json.dumps({"faults": story.faults, **verdict.plain()}, indent=2))
    else:
        _tell_one(story, verdict)
    if getattr(args, "shrink", None) is not None:
        _shrink(args, {one.invariant: story for one in verdict.violations})
    return 0 if verdict.is_good else FAILED


def _tell_one(story: Story, verdict: Verdict) -> None:
    console = out()
    console.print(f"{story.name}: {story.venue}", markup=False)
    for row in story.faults:
        rest = {name: value for name, value in row.items() if name not in ("id", "seed")}
        console.print(f"  {row['id']:<16} x {verdict.hits.get(str(row['id']), 0):<6} {rest}", markup=False)
    for one in verdict.violations:
        console.print(f"  {one.invariant:<4} {_clock(one.ts_ms)} {one.subject} {one.detail}", markup=False)
    if verdict.is_good:
        console.print(tr("every invariant held"))


def _shrink(args: argparse.Namespace, stories: Mapping[str, Story]) -> list[str]:
    """Of each invariant one story, as small as it gets."""
    from mastertrading.app.campaign.shrinking import shrunk
    from mastertrading.app.campaign.story import write_story

    remarks, written = err(quiet=args.json), []
    for name, story in sorted(stories.items()):
        small = shrunk(story, name)
        path = args.shrink / f"{name}-{story.seed}.json"
        write_story(small, path, invariant=name)
        written.append(str(path))
        remarks.print(f"{name}: {path} ({len(small.faults)} faults, {small.minutes} min)", markup=False)
    return written


def _replays(failing: Mapping[str, Sequence[int]], args: argparse.Namespace) -> dict[str, str]:
    """What to type to see each invariant break again."""
    rest = f"--minutes {args.minutes} --calm {args.calm}" + (f" --only {args.only}" if args.only else "")
    return {
        name: f"mastertrading campaign faults --seed {seeds[0]} {rest}" for name, seeds in failing.items()
    }


# -------------------------------------------------------------------- crash
def _crash(args: argparse.Namespace) -> int:
    from mastertrading.app.campaign.crash import Wanted, campaign, death_named, deaths_in_figures
    from mastertrading.app.campaign.report import figures

    wanted = Wanted(args.named, args.every, args.workers, args.out, args.twice, args.journal)
    if args.death is not None:
        return _one_story(args, death_named(args.death, args.journal))
    if not wanted.scenarios() or args.every == 0:
        raise UsageError(tr("no scenario is meant"), hint="mastertrading campaign crash --list")
    if args.list or args.count:
        return _list(args, wanted)
    label, remarks = tr("deaths"), err(quiet=args.json)
    told_at = 0

    def advance(done: int, total: int) -> None:
        nonlocal told_at
        if done - told_at >= max(total // 10, 1):
            told_at = done
            remarks.print(f"{label}: {done} / {total}", markup=False)

    verdicts = list(_really(wanted, advance) if args.real else campaign(wanted, advance)[1])
    told = figures(verdicts) | deaths_in_figures(verdicts)
    told.pop("failing_seeds")
    _tell(told, args.json)
    if not args.json:
        _tell_deaths(told, args)
    return FAILED if told["good"] != told["seeds"] else 0


def _really(wanted: Any, advance: Callable[[int, int], None]) -> Sequence[Verdict]:
    from mastertrading.app.campaign import killed

    if not hasattr(os, "fork"):
        raise UsageError(tr("this system makes no processes by fork, and knows no SIGKILL"))
    if wanted.folder is not None or wanted.workers != 1:
        raise UsageError(tr("real processes are tried one after the other, and nothing is kept"))
    if not any(killed.is_for_real(one) for one in wanted.scenarios()):
        raise UsageError(
            tr("no scenario is meant"), why=tr("real processes are killed at a venue, without faults")
        )
    return killed.campaign(wanted, advance)


def _list(args: argparse.Namespace, wanted: Any) -> int:
    from mastertrading.app.campaign.crash import deaths_of

    total = 0
    for story in wanted.scenarios():
        count = len(deaths_of(story, wanted.twice)) if args.count else 0
        total += count
        out().print(f"{count:>6} {story.name}" if args.count else story.name, markup=False)
    if args.count:
        out().print(f"{total:>6}", markup=False)
    return 0


def _tell_deaths(told: dict[str, Any], args: argparse.Namespace) -> None:
    shown = table("", tr("died"), tr("deaths"), tr("with a broken invariant"), numbers=(1, 2))
    for moment, count in told["moments"].items():
        shown.add_row(moment, str(count["deaths"]), str(count["failing"]))
    out().print(shown)
    rounds = told["rounds"]
    out().print(
        f"{tr('rounds until all agreed')}: p50 {rounds['p50']}, p99 {rounds['p99']}, max {rounds['max']}; "
        f"{rounds['starts']} {tr('starts')}, {tr('never')} {rounds['never']}",
        markup=False,
    )
    journal = f" --journal {args.journal}" if args.journal != "memory" else ""
    for row in told["failing"][:SHOWN]:
        out().print(f"{row['invariant']:<4} {row['detail']}", markup=False, soft_wrap=True)
        out().print(
            f'     mastertrading campaign crash{journal} --death "{row["death"]}"',
            markup=False,
            soft_wrap=True,
        )


# -------------------------------------------------------------------- what it says
def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, indent=2))
        return
    console = out()
    reconverged, cover = told["reconverged_ms"], told["coverage"]
    lines = {
        tr("runs"): f"{told['seeds']}, {told['good']} {tr('good')}",
        tr("orders"): ", ".join(f"{name} {count}" for name, count in sorted(told["commands"].items())),
        tr("fills"): f"{told['fills']}, {tr('trades')} {told['trades']}",
        tr("deaths"): str(told["deaths"]),
        tr(
            "without a stop"
        ): f"p99 {told['bare_ms']['p99'] / 1000:g} s, max {told['bare_ms']['max'] / 1000:g} s; "
        + tr("reachable")
        + f" p99 {told['bare_reachable_ms']['p99'] / 1000:g} s, max {told['bare_reachable_ms']['max'] / 1000:g} s",
        tr("agreed again"): f"p50 {reconverged['p50'] / 1000:g} s, p99 {reconverged['p99'] / 1000:g} s, "
        f"max {reconverged['max'] / 1000:g} s; {tr('never')} {reconverged['never']}",
        tr("coverage"): f"{cover['faults_a_seed']:.1f} {tr('faults a run')}, "
        f"{cover['held_in_fault']:.0%} {tr('with a position during a fault')}, "
        f"{len(cover['states'])} {tr('pairs of fault and state')}",
        tr(
            "processor"
        ): f"{told['cpu_s']:.1f} s, {told['cpu_s'] / max(told['seeds'], 1):.2f} s {tr('a run')}",
    }
    for name, value in lines.items():
        console.print(f"{name:<16} {value}", markup=False, soft_wrap=True)
    if told["failures"] or cover["hits"]:
        _tell_coverage(cover)
    _tell_invariants(told)


def _tell_coverage(cover: dict[str, Any]) -> None:
    """Faults by kind, and how far each goal is met."""
    lines = {tr("faults"): ", ".join(f"{key} {count}" for key, count in cover["hits"].items() if count)}
    for goal, is_met in cover["goals"].items():
        lines[goal] = tr("met") if is_met else tr("not met")
    lines[tr("too rare")] = ", ".join(cover["rare"])
    lines[tr("never met")] = ", ".join(cover["pairs"]["missing"])
    lines[tr("excluded")] = "; ".join(f"{name}: {why}" for name, why in cover["excluded"].items())
    for name, value in lines.items():
        if value:
            out().print(f"{name:<16} {value}", markup=False, soft_wrap=True)


def _tell_invariants(told: dict[str, Any]) -> None:
    from mastertrading.app.campaign.invariants import CHECKERS

    shown = table("", tr("invariant"), tr("broken in"), tr("what must hold"), numbers=(1,))
    for checker in CHECKERS:
        shown.add_row(checker.id, str(told["violations"][checker.id]), checker.says)
    out().print(shown)
    for name, words in told.get("replay", {}).items():
        out().print(f"{name:<4} {words}", markup=False, soft_wrap=True)


def _clock(ts_ms: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%H:%M:%S}"
