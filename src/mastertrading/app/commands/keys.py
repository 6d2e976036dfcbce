"""``keys new-kek|add|list|rotate``: exchange keys sealed in a journal. No key is ever an argument or printed."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mastertrading.app.asked_journal import named, whose
from mastertrading.app.messages import tr
from mastertrading.app.options import add_common
from mastertrading.app.state_folder import journal_url
from mastertrading.domain.errors import ConfigError

if TYPE_CHECKING:
    from mastertrading.journal.credentials import Credentials
    from mastertrading.journal.database import DatabaseStore
    from mastertrading.journal.vault import Keyring

SUMMARY = "keep exchange keys sealed in a journal, and rotate what seals them"
FILE, TEXT, PASSPHRASE = "MASTERTRADING_KEK_FILE", "MASTERTRADING_KEK", "MASTERTRADING_KEK_PASSPHRASE"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    new = actions.add_parser("new-kek", help=tr("print a fresh key-encryption key: a line for a key file"))
    new.add_argument("name", nargs="?", default="k1", metavar="NAME", help=tr("its name (default: k1)"))
    about = {
        "add": tr("seal the keys that MASTERTRADING_KEYS_NAME_… hold, and forget older ones"),
        "list": tr("whose keys are kept, and under which key-encryption key"),
        "rotate": tr("seal everything under the first key-encryption key"),
    }
    for name, text in about.items():
        add_common(actions.add_parser(name, help=text), "journal", "json")


def run(args: argparse.Namespace) -> int:
    """Do the action."""
    if args.action == "new-kek":
        from mastertrading.journal.vault import new_kek

        print(new_kek(args.name))
        return 0
    told = {"add": _add, "list": _list, "rotate": _rotate}[args.action](args)
    print(json.dumps(told) if args.json else "\n".join(f"{name}: {value}" for name, value in told.items()))
    return 0


def keyring_of(environ: Mapping[str, str]) -> Keyring:
    """The key-encryption keys that the environment names: a file, the keys themselves, or a passphrase.

    Raises
    ------
    ConfigError
        If it names none, or what it names cannot be read.
    SafetyBlocked
        If the file can be read by others.
    """
    from mastertrading.journal.vault import keyring_from_file, keyring_from_passphrase, keyring_from_text

    if environ.get(FILE):
        return keyring_from_file(Path(environ[FILE]))
    if environ.get(TEXT):
        return keyring_from_text(environ[TEXT])
    if environ.get(PASSPHRASE):
        return keyring_from_passphrase(environ[PASSPHRASE])
    raise ConfigError(
        tr("there is no key to open or seal exchange keys with"),
        where=f"{FILE}, {TEXT}, {PASSPHRASE}",
        hint=f"(umask 077; mastertrading keys new-kek > kek) && export {FILE}=kek",
    )


def _add(args: argparse.Namespace) -> dict[str, Any]:
    from mastertrading.exchange.keys import keys_of
    from mastertrading.journal.vault import ApiKeys

    account = named(args.account) if args.account else whose(args)
    keys = keys_of(account.name, os.environ)
    with _opened(args) as credentials:
        credentials.keep(
            account, ApiKeys(keys.api_key, keys.secret, keys.passphrase), time.time_ns() // 1_000_000
        )
    return {"account": str(account), "sealed_under": credentials.keyring.current.name}


def _list(args: argparse.Namespace) -> dict[str, Any]:
    with _opened(args) as credentials:
        return {str(account): f"…{hint} ({kek})" for account, hint, kek in credentials.kept()}


def _rotate(args: argparse.Namespace) -> dict[str, Any]:
    with _opened(args) as credentials:
        return {"sealed_anew": credentials.rotate(), "under": credentials.keyring.current.name}


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[Credentials]:
    from mastertrading.journal.credentials import Credentials
    from mastertrading.journal.opening import open_journal

    keyring = keyring_of(os.environ)
    journal = open_journal(journal_url(args), account=whose(args))
    try:
        yield Credentials(cast("DatabaseStore", journal.store), keyring)
    finally:
        journal.close()
