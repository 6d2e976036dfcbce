"""``exchange serve``: the local exchange on loopback, for our trading or any bot."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrading.app.messages import tr
from mastertrading.app.options import (
    SYNTHETIC_DAYS,
    add_common,
    check_source,
    check_window,
    chosen_instruments,
    natural,
    number,
    resolved_settings,
)
from mastertrading.app.terminal import err, out, table
from mastertrading.domain.errors import UsageError

if TYPE_CHECKING:
    from mastertrading.app.exchange import Serving, Stage

SUMMARY = "serve a local exchange that speaks the venues' protocols, for any bot"
HIGHEST_PORT = 65_535
FASTEST = 100_000.0
HOSTS = {"binance_usdm": "fapi.binance.com", "bybit_linear": "api.bybit.com"}
TIME_OF = {"binance_usdm": "/fapi/v1/time", "bybit_linear": "/v5/market/time"}
CLASSES = {"binance_usdm": "binanceusdm", "bybit_linear": "bybit"}
OWN_SDK = {
    "binance_usdm": 'DerivativesTradingUsdsFutures(ConfigurationRestAPI(api_key="{key}", api_secret="{secret}"))',
    "bybit_linear": (
        'client = pybit.unified_trading.HTTP(api_key="{key}", api_secret="{secret}"); '
        'client.client.verify = "{authority}"'
    ),
}
SDK_OF = {"binance_usdm": "Binance's SDK", "bybit_linear": "pybit"}

BOOKS = {
    "equity": "accounts, open profit included",
    "fees": "fees",
    "funding": "funding",
    "insurance": "insurance",
    "external": "deposits and withdrawals",
    "adjustments": "adjustments",
    "market": "the counterparty of all fills",
}
"""Our words for the lines of the exchange's statement."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = tr("serve it until Ctrl-C, or until the bars are over")
    serving = actions.add_parser("serve", help=text, description=text)
    add_common(serving, "data", "instruments", "window", "config", "seed", "json", "synthetic")
    serving.add_argument(
        "--venue",
        default="all",
        metavar="NAME",
        help=tr("whose protocol: binance_usdm, bybit_linear or all (default)"),
    )
    serving.add_argument(
        "--speed", type=number, default=1.0, metavar="X", help=tr("seconds of its clock in one of yours")
    )
    serving.add_argument(
        "--lockstep",
        action="store_true",
        help=tr("time stands still until the client has said that it is idle (control port)"),
    )
    serving.add_argument(
        "--as-recorded",
        action="store_true",
        help=tr("keep the bars' own times; otherwise they are moved to the present"),
    )
    serving.add_argument(
        "--port", type=natural, default=0, metavar="N", help=tr("of the venues (default: a free one)")
    )
    serving.add_argument(
        "--control-port", type=natural, default=0, metavar="N", help=tr("for steering (default: a free one)")
    )
    _configure_faults(serving)
    serving.add_argument("--key", default="", help=tr("the account's key (default: made up)"))
    serving.add_argument("--secret", default="", help=tr("its secret (default: made up)"))
    serving.add_argument(
        "--out", type=Path, metavar="DIR", help=tr("folder for the certificate and the launcher of clients")
    )


def _configure_faults(serving: argparse.ArgumentParser) -> None:
    serving.add_argument(
        "--faults", type=Path, metavar="FILE", help=tr("a plan of faults (TOML; see docs/faults.md)")
    )
    serving.add_argument("--faults-seed", type=natural, metavar="N", help=tr("faults drawn by a seed"))
    serving.add_argument(
        "--acts",
        type=Path,
        metavar="FILE",
        help=tr("what else happens: transfers, liquidations, orders by hand"),
    )


def run(args: argparse.Namespace) -> int:
    """Do it."""
    check_window(args)
    check_source(args, "mastertrading exchange serve --synthetic")
    _check(args)
    remarks = err(quiet=args.json)
    from mastertrading.app.exchange import serve, staged

    settings = resolved_settings(args)
    stage = staged(
        _serving(args, chosen_instruments(args, settings)),
        settings.settings,
        lambda sentence: remarks.print(tr(sentence), style="dim", markup=False),
    )
    show = _tell_machine if args.json else _tell
    try:
        serve(stage, show)
        remarks.print(tr("the bars are over, and the exchange is closed"))
    except KeyboardInterrupt:
        remarks.print(tr("the exchange is closed"))
    _show_books(stage, args.json)
    return 0


def _check(args: argparse.Namespace) -> None:
    if max(args.port, args.control_port) > HIGHEST_PORT:
        raise UsageError(tr("a port is at most {highest}").format(highest=HIGHEST_PORT))
    if not 0 < args.speed <= FASTEST:
        raise UsageError(tr("--speed must be above 0 and at most {fastest:g}").format(fastest=FASTEST))
    if args.lockstep and args.speed != 1.0:
        raise UsageError(tr("choose one of --speed and --lockstep"), hint=tr("leave one of them out"))
    if bool(args.key) != bool(args.secret):
        raise UsageError(tr("--key and --secret belong together"))


def _serving(args: argparse.Namespace, instruments: tuple[str, ...]) -> Serving:
    from mastertrading.app.backtest import Wanted
    from mastertrading.app.exchange import Serving, venues_named

    venues = venues_named(args.venue)
    own = args.data is not None and len(venues) == 1 and (args.data / venues[0]).is_dir()
    wanted = Wanted(
        instruments=instruments,
        data=args.data,
        venue=venues[0] if own else None,
        days=args.days or SYNTHETIC_DAYS,
        from_ms=args.from_ms,
        to_ms=args.to_ms,
    )
    return Serving(
        venues=venues,
        market=wanted,
        speed=args.speed,
        lockstep=args.lockstep,
        as_recorded=args.as_recorded,
        port=args.port,
        control_port=args.control_port,
        folder=(args.out or _usual_folder()).absolute(),
        key=args.key,
        secret=args.secret,
        faults=args.faults,
        faults_seed=args.faults_seed,
        acts=args.acts,
    )


def _usual_folder() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "mastertrading" / "exchange"


# -------------------------------------------------------------------- what it says
def facts(stage: Stage) -> dict[str, Any]:
    """Where it is, and with what key."""
    served, keys = stage.served, stage.local.keys()
    if served is None:
        raise UsageError("the exchange is not served yet")
    return {
        "venues": list(stage.local.places),
        "instruments": list(stage.local.exchange().listings),
        "address": f"127.0.0.1:{served.port}",
        "authority": str(stage.authority),
        "key": keys["apiKey"],
        "secret": keys["secret"],
        "control": f"http://127.0.0.1:{served.control.port}",
        "token": served.control.token,
        "begin_ms": stage.begin_ms,
        "end_ms": stage.end_ms,
        "launcher": str(stage.launcher),
    }


def recipes(told: dict[str, Any]) -> dict[str, str]:
    """One line for each kind of client."""
    port = told["address"].partition(":")[2]
    found = {"any Python bot": f"python {told['launcher']} {port} bot.py"}
    for venue in told["venues"]:
        keys = f'"apiKey": "{told["key"]}", "secret": "{told["secret"]}"'
        settings = f'{{"cafile": "{told["authority"]}", {keys}}}'
        found[f"ccxt.pro, {venue}"] = f"ccxt.pro.{CLASSES[venue]}({settings})"
        found[SDK_OF[venue]] = OWN_SDK[venue].format(**told)
    for venue in told["venues"]:
        host = HOSTS[venue]
        found[f"curl, {venue}"] = (
            f"curl --resolve {host}:{port}:127.0.0.1 --cacert {told['authority']} "
            f"https://{host}:{port}{TIME_OF[venue]}"
        )
    found["control"] = f"curl -H 'Authorization: Bearer {told['token']}' {told['control']}/status"
    return found


def _tell(stage: Stage) -> None:
    told, console = facts(stage), out()
    lines = {
        tr("venues"): ", ".join(told["venues"]),
        tr("instruments"): ", ".join(told["instruments"]),
        tr("address"): told["address"],
        tr("certificate"): told["authority"],
        tr("key"): told["key"],
        tr("secret"): told["secret"],
        tr("control port"): told["control"],
        tr("token"): told["token"],
        tr("bars until"): _moment(told["end_ms"]),
    }
    for name, value in lines.items():
        console.print(f"{name:<14} {value}", markup=False, soft_wrap=True)
    console.print()
    console.print(tr("A Python bot keeps its URLs; started by the first line, the venues' names lead here:"))
    for name, line in recipes(told).items():
        console.print(f"{tr(name)}\n    {line}", markup=False, soft_wrap=True)
    console.print()
    console.print(tr("Ctrl-C ends it and shows the books."))
    console.file.flush()


def _tell_machine(stage: Stage) -> None:
    told = facts(stage)
    print(json.dumps({**told, "recipes": recipes(told)}), flush=True)


def _show_books(stage: Stage, as_json: bool) -> None:
    if as_json:
        books = {name: {**one._asdict(), "total": one.total} for name, one in stage.books.items()}
        told = {"books": books, "hits": stage.local.plan.hits(), "refused_acts": stage.refused_acts}
        print(json.dumps(told), flush=True)
        return
    console = out()
    names = list(stage.books)
    shown = table(tr("books, USDT"), "", *names, numbers=tuple(range(1, len(names) + 1)))
    for row, title in BOOKS.items():
        shown.add_row(tr(title), *(_money(getattr(stage.books[name], row)) for name in names))
    shown.add_row(tr("sum"), *(_money(stage.books[name].total) for name in names))
    console.print(shown)
    for refused in stage.refused_acts:
        console.print(tr("an act was refused: {act}").format(act=refused), markup=False)
    hits = {key: count for key, count in stage.local.plan.hits().items() if count}
    if hits:
        console.print(
            tr("faults that acted: {hits}").format(hits=", ".join(f"{k} x {n}" for k, n in hits.items()))
        )


def _money(atoms: int) -> str:
    from mastertrading.simulator.listing import money

    return f"{money(atoms):,.8f}"


def _moment(ms: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
