"""``journal migrate|check|backup|restore|thin``: look after the durable memory of a trader."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mastertrading.app.asked_journal import named, whose
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.state_folder import journal_url
from mastertrading.domain.errors import JournalUnusable, UsageError

if TYPE_CHECKING:
    from mastertrading.journal.database import DatabaseStore

SUMMARY = "look after a trader's journal: bring it up to date, check, back up, restore, thin"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    about = {
        "migrate": tr("make the journal, or bring it up to this version"),
        "check": tr("check version, ledger, chain and balances"),
        "backup": tr("copy the journal while it is in use, and check the copy"),
        "restore": tr("put a backup in the journal's place; the next start reconciles first"),
        "thin": tr("remove what is kept for a while only"),
    }
    for name, text in about.items():
        action = actions.add_parser(name, help=text)
        if name in ("backup", "restore"):
            action.add_argument("file", type=Path, metavar="FILE", help=tr("the backup"))
        add_common(action, "journal", "json")


def run(args: argparse.Namespace) -> int:
    """Do the action."""
    url = journal_url(args)
    told = {"migrate": _migrate, "check": _check, "backup": _backup, "restore": _restore, "thin": _thin}[
        args.action
    ](args, url)
    if args.json:
        print(json.dumps(told, default=str))
    else:
        for name, value in told.items():
            print(f"{name.replace('_', ' ')}: {value}")
    return 0


def _migrate(args: argparse.Namespace, url: str) -> dict[str, Any]:
    from mastertrading.journal.connecting import connect, disconnect, parse
    from mastertrading.journal.opening import open_journal
    from mastertrading.journal.versions import check_version, migrate

    if args.account:
        open_journal(url, account=named(args.account), create=True, now_ms=_now_ms()).close()
    address = parse(url)
    using = connect(address)
    try:
        new = migrate(using, address)
        return {"journal": address, "version": check_version(using, address), "new": ", ".join(new) or "-"}
    finally:
        disconnect(using)


def _check(args: argparse.Namespace, url: str) -> dict[str, Any]:
    from mastertrading.journal.opening import open_journal

    journal = open_journal(url, account=whose(args))
    try:
        journal.verify()
        return {
            "account": journal.account,
            "ledger_transactions": journal.store.chain_end()[0],
            "fills": len(journal.fills()),
            "open_commands": len(journal.open_commands()),
            "latches": ", ".join(journal.latches()) or "-",
            "verdict": tr("the ledger balances and its chain holds"),
        }
    finally:
        journal.close()


def _backup(args: argparse.Namespace, url: str) -> dict[str, Any]:
    from mastertrading.journal.backup import back_up

    return asdict(back_up(url, whose(args), args.file))


def _restore(args: argparse.Namespace, url: str) -> dict[str, Any]:
    from mastertrading.journal.backup import restore

    try:
        account = whose(args)
    except JournalUnusable:  # it is gone or damaged: that is what a restore is for
        raise UsageError(tr("say whose journal: --account"), why=tr("the journal cannot be read")) from None
    restore(args.file, url, account, _now_ms())
    return {
        "account": account,
        "restored": args.file,
        "next": tr("the next start reconciles before it trades"),
    }


def _thin(args: argparse.Namespace, url: str) -> dict[str, Any]:
    from mastertrading.journal.opening import open_journal
    from mastertrading.journal.retention import thin

    journal = open_journal(url, account=whose(args))
    try:
        removed, more = 0, -1
        while more:
            more = thin(cast("DatabaseStore", journal.store), _now_ms())
            removed += more
        return {"account": journal.account, "removed_rows": removed}
    finally:
        journal.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
