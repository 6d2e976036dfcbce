"""The report of a run: one HTML file that needs no network, opens in any browser and is the same for the same run.

Figures are written into the page as text, from ``summary.json``; only the charts and the list of trades are drawn by
its script. The page forbids itself every connection and every script but its own (Content-Security-Policy).
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from mastertrading.backtest.verdict import Translate, as_written, verdict
from mastertrading.domain.errors import OutputError
from mastertrading.domain.market import Market
from mastertrading.surfaces.report import breakdown, closing, opening, words
from mastertrading.surfaces.report.facts import Facts, read_facts
from mastertrading.surfaces.report.html import Html, el, join
from mastertrading.surfaces.report.payload import payload, script_json

REPORT = "report.html"
ASSETS = Path(__file__).with_name("assets")
SCRIPTS = ("decode.js", "chart.js", "equity.js", "candles.js", "scatter.js", "trades.js", "main.js")


def write_report(
    folder: Path,
    market: Market | None = None,
    *,
    notes: Sequence[str] = (),
    translate: Translate = as_written,
    out: Path | None = None,
) -> Path:
    """Write the report of a run.

    Parameters
    ----------
    folder
        The run's folder with all its files.
    market
        The bars of the run; None: no candles, and no market beside the equity.
    notes
        What was noted about the data, in plain sentences.
    out
        The file to write; None: ``report.html`` in the folder.

    Returns
    -------
    The file.

    Raises
    ------
    DataMissing, DataUnreadable
        If the folder is no run, or damaged.
    OutputError
        If the file cannot be written.
    """
    target = folder / REPORT if out is None else out
    _put(report_html(read_facts(folder), market, notes, translate), target)
    return target


def _put(text: str, target: Path) -> None:
    """Write a file beside its place and move it there, so that a half-written page never stands under its name."""
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        try:
            part.write_text(text, encoding="utf-8", newline="\n")
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"the report cannot be written to {target}",
            why=error.strerror or str(error),
            where=str(target),
            hint="choose another file with --out",
        ) from error


def report_html(
    facts: Facts, market: Market | None, notes: Sequence[str] = (), translate: Translate = as_written
) -> str:
    """Make the text of the page."""
    told = payload(facts, market, translate)
    script = "\n".join(_asset(name) for name in SCRIPTS)
    script = f"(() => {{\n'use strict';\n{script}}})();\n"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", f"{verdict(facts.statistics, translate)} · mastertrading"),
        el("style", Html(_asset("report.css"))),
    )
    data = el("script", Html(script_json(told)), type="application/json", id="data")
    body = el("body", _main(facts, notes, told, translate), data, el("script", Html(script)))
    language = translate(words.PAGE["language"])
    return f"<!doctype html>\n{el('html', head, body, lang=language)}\n"


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Nothing may be loaded or sent, and no script may run but this one."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    allowed = f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _main(facts: Facts, notes: Sequence[str], told: dict[str, object], tr: Translate) -> Html:
    traded = facts.summary.trades.trades > 0
    levels = told["candles"]
    bodies: dict[str, Html] = {"equity": _equity(tr)}
    if traded:
        bodies["doubt"] = opening.doubt(facts, tr)
        bodies["costs"] = opening.costs(facts, tr)
    bodies["returns"] = breakdown.returns(facts, tr)
    if traded:
        bodies["groups"] = breakdown.groups(facts, tr)
        bodies["shape"] = breakdown.shape(facts, tr)
    bodies["trades"] = _trades(levels is not None)
    bodies["funnel"] = breakdown.funnel(facts, tr)
    bodies["breakers"] = closing.breakers(facts, tr)
    bodies["run"] = closing.run(facts, notes, levels, tr)  # type: ignore[arg-type]
    bodies["config"] = closing.config(facts.settings, tr)
    bodies["next"] = closing.onward(facts, tr)
    links = [el("a", tr(words.SECTIONS[name]), href=f"#{name}") for name in bodies]
    label = tr(words.PAGE["theme"])
    return el(
        "main",
        el("button", "◐", id="theme", type="button", aria_label=label, title=label),
        opening.header(facts, tr),
        opening.figures(facts, tr),
        el("nav", links, aria_label=tr(words.PAGE["contents"])),
        el("noscript", el("p", tr(words.PAGE["no_script"]))),
        [_section(name, body, tr) for name, body in bodies.items()],
        el("footer", el("p", tr(words.PAGE["colours"]))),
    )


def _section(name: str, body: Html, tr: Translate) -> Html:
    return el(
        "section", el("h2", tr(words.SECTIONS[name])), body, id=name, aria_label=tr(words.SECTIONS[name])
    )


def _equity(tr: Translate) -> Html:
    about = f"{tr(words.EQUITY['about'])} {tr(words.EQUITY['held'])} {tr(words.EQUITY['thinned'])}"
    return join(el("p", about, class_="about"), _chart("equity"))


def _trades(with_candles: bool) -> Html:
    """Places for what the script makes: candles above, the list below."""
    return join(_chart("candles") if with_candles else None, el("div", id="trade-list"))


def _chart(name: str) -> Html:
    return el("div", id=f"chart-{name}", class_="chart")
