"""What a sweep tells people: the best cases, how steady they are, and what luck would have done."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mastertrading.app.messages import tr
from mastertrading.app.sweep import Finished, winner_command

if TYPE_CHECKING:
    from mastertrading.backtest.writing import Cell, Table
    from mastertrading.research.ranking import Ranked, Ranking

UNIT = 100_000_000
NOTHING = "–"
GROUNDS = {"plateau": "plateau", "slope": "slope", "peak": "lonely peak", "": ""}
FEW_TRADES = 30


def ranking_table(done: Finished) -> Table:
    """The best cases, one a row."""
    from mastertrading.backtest.writing import Column, Table, plain

    ranking = done.ranking
    names = [axis.name for axis in done.space.axes]
    shown = ["return", "net", "trades", "sharpe", "max_drawdown"]
    extra = [] if ranking.objective in ("net", "sharpe", "return") else [ranking.objective]
    words = {
        "return": tr("Return"),
        "net": tr("Net"),
        "trades": tr("Trades"),
        "sharpe": tr("Sharpe"),
        "max_drawdown": tr("Max drawdown"),
    }
    columns = (
        Column("#"),
        *(Column(name) for name in names),
        *(Column(words.get(name, name), 3 if name == "return" else 0) for name in [*extra, *shown]),
        Column(tr("Neighbours"), 1),
        Column(tr("Ground"), 2),
    )
    rows = []
    for number, ranked in enumerate(ranking.best, 1):
        values = [plain(_value(ranked.row.values[name])) for name in names]
        figures = ranked.row.figures or {}
        cells = [_figure(name, figures) for name in [*extra, *shown]]
        around = plain(_score(ranking.objective, ranked.neighbours_mean))
        rows.append((plain(str(number)), *values, *cells, around, plain(tr(GROUNDS[ranked.ground]))))
    title = tr("the best of {cases} by {objective}").format(
        cases=f"{ranking.cases:,}", objective=ranking.objective
    )
    note = tr("Neighbours: the mean {objective} of the cases one step away.").format(
        objective=ranking.objective
    )
    return Table(title, columns, tuple(rows), None, 1, note if rows else "")


def remarks(done: Finished) -> Iterator[str]:
    """Sentences under the table."""
    ranking = done.ranking
    left = done.expected - ranking.cases
    if left > 0:
        yield tr("Not finished: {left} of {cases} cases are still to be run (--resume).").format(
            left=f"{left:,}", cases=f"{done.expected:,}"
        )
    if ranking.failed:
        yield tr("{failed} cases could not be run:").format(failed=f"{ranking.failed:,}")
        for error, count in sorted(done.errors.items(), key=lambda item: -item[1])[:3]:
            yield f"  {count:,} × {error}"
    if not ranking.best:
        yield tr("No case has a {objective}.").format(objective=ranking.objective)
        return
    yield from _warnings(ranking.best[0])
    yield from _luck(ranking)


def winner_line(done: Finished) -> str:
    """How to run the best case alone, to be copied; empty if there is none."""
    if not done.ranking.best:
        return ""
    words = shlex.join(winner_command(done, done.ranking.best[0].row.values))
    return tr("The best one alone: {command}").format(command=words)


def as_json(done: Finished) -> dict[str, Any]:
    """The same for machines."""
    ranking = done.ranking
    return {
        "folder": str(done.folder),
        "objective": ranking.objective,
        "cases": done.expected,
        "finished": ranking.cases,
        "failed": ranking.failed,
        "tried": ranking.tried,
        "days": ranking.days,
        "best_sharpe": ranking.best_sharpe,
        "lucky_sharpe": ranking.lucky_sharpe,
        "errors": dict(done.errors),
        "best": [_ranked_row(done, ranked) for ranked in ranking.best],
    }


def _ranked_row(done: Finished, ranked: Ranked) -> dict[str, Any]:
    return {
        "case": ranked.row.key,
        "values": dict(ranked.row.values),
        "figures": dict(ranked.row.figures or {}),
        "neighbours": ranked.neighbours,
        "neighbours_mean": ranked.neighbours_mean,
        "ground": ranked.ground,
        "command": winner_command(done, ranked.row.values),
    }


def _warnings(best: Ranked) -> Iterator[str]:
    if best.ground == "peak":
        yield tr("The best is a lonely peak: its neighbours do far worse, which is how luck looks.")
    elif best.ground == "plateau":
        yield tr("The best stands on a plateau: its neighbours do nearly as well.")
    trades = (best.row.figures or {}).get("trades", 0)
    if trades < FEW_TRADES:
        yield tr("The best has only {trades} trades: too few to say anything.").format(trades=trades)


def _luck(ranking: Ranking) -> Iterator[str]:
    if ranking.tried < 2:
        return
    if ranking.lucky_sharpe is None or ranking.best_sharpe is None:
        yield tr("{tried} cases were tried: the best of many looks good by luck alone.").format(
            tried=f"{ranking.tried:,}"
        )
        return
    facts = {
        "tried": f"{ranking.tried:,}",
        "days": ranking.days,
        "lucky": f"{ranking.lucky_sharpe:.2f}",
        "best": f"{ranking.best_sharpe:.2f}",
    }
    yield tr(
        "{tried} independent tries without any skill, over {days} days, are expected to reach a Sharpe of {lucky} "
        "by luck; the highest here is {best}."
    ).format(**facts)
    if ranking.best_sharpe <= ranking.lucky_sharpe:
        yield tr("So nothing here says more than luck. Test the best on data it has not seen.")
    else:
        yield tr(
            "That is above luck; still, the best was chosen after looking. Test it on data it has not seen."
        )


def _value(value: Any) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:.6g}"
        if isinstance(value, float)
        else str(value)
    )


def _figure(name: str, figures: Mapping[str, Any]) -> Cell:
    from mastertrading.backtest.writing import plain, signed
    from mastertrading.research.figures import OBJECTIVES

    value = figures.get(OBJECTIVES.get(name, name))
    text = _score(name, value)
    return signed(text, value) if name in ("net", "return") else plain(text)


def _score(name: str, value: float | None) -> str:
    """A figure as people read it."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if name == "net":
        return f"{value / UNIT:,.2f}"
    if name == "trades":
        return f"{value:,}"
    if name in ("return", "max_drawdown", "win_rate"):
        return f"{100 * value:.2f} %"
    return f"{value:.2f}"


def plan_sentence(needed: str, limit: str, cases: int, done: int, workers: int) -> Sequence[str]:
    """What is about to happen."""
    sentences = [
        tr("{cases} cases by {workers} at a time; needs about {needed} MiB, limit {limit} MiB").format(
            cases=f"{cases:,}", workers=workers, needed=needed, limit=limit
        )
    ]
    if done:
        sentences.append(tr("{done} of them are done already").format(done=f"{done:,}"))
    return sentences
