"""Make the environments of other clients: ``python3 scripts/clients_env.py``.

The venues' own clients (``tests/clients``) pin what ccxt pins otherwise, and two of them install a package of the same
name, so they live in ``.venv-clients/``, apart from ``.venv/`` and from each other. Installs exactly what their lock
files name, once: the first time this takes half a minute, afterwards nothing. The tests in
``tests/contract/test_other_clients.py`` run their scripts with it.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

from setup import ROOT, SetupError, check_python, install_lock, make_venv, python_of, say

HOME = ROOT / ".venv-clients"
LOCKS = {
    "current": "tests/clients/requirements.lock",
    "connector": "tests/clients/requirements-connector.lock",
}


def state(lock: str) -> str:
    """What an installation depends on. The same state needs no new installation."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    digest.update((ROOT / lock).read_bytes())
    return digest.hexdigest()


def make(venv: Path, lock: str) -> None:
    """Bring one environment to what its lock says."""
    stamp = venv / "mastertrading-clients.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state(lock) and python_of(venv).exists():
        return
    began = time.monotonic()
    stamp.unlink(missing_ok=True)
    venv.parent.mkdir(exist_ok=True)
    make_venv(venv)
    say(f"installing from {lock} (once; about half a minute)")
    install_lock(lock, python_of(venv))
    stamp.write_text(state(lock), encoding="utf-8")
    say(f"{venv.relative_to(ROOT)} is ready after {time.monotonic() - began:.0f} s")


def make_all() -> None:
    """Bring every environment of other clients to what its lock says; quick when they are there already."""
    check_python()
    for name, lock in LOCKS.items():
        make(HOME / name, lock)


def main() -> int:
    try:
        make_all()
    except SetupError as failure:
        say(f"stopped: {failure}")
        return 1
    except KeyboardInterrupt:
        say("stopped; run it again to go on where it was")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
