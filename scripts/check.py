"""The one check command, for people and for CI: ``python3 scripts/check.py``.

Sets ``.venv/`` up with what the checks need (and, before the tests, ``.venv-clients/`` with the clients that they try:
half a minute, once), looks at format, lint, types, import contracts, tests and load, and
ends with a summary. Name parts to run only those; what comes after ``--`` goes to pytest::

    python3 scripts/check.py lint types
    python3 scripts/check.py tests -- tests/unit/settings -k misspelt
    python3 scripts/check.py --fix
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

import clients_env
from setup import BIN, DEV_LOCK, PYTHON, ROOT, SUFFIX, SetupError, set_up

LOAD = "tests/load"
USUAL = ["-n", "2", "--durations", "10", f"--ignore={LOAD}"]
"""Tests of load run by themselves afterwards: each wants the machine, and would starve its neighbours."""


def commands(pytest_options: list[str]) -> dict[str, list[str]]:
    """What each part runs, in order."""
    python = str(PYTHON)
    return {
        "format": [python, "-m", "ruff", "format", "--check", "."],
        "lint": [python, "-m", "ruff", "check", "."],
        "types": [python, "-m", "mypy"],
        "imports": [str(BIN / f"lint-imports{SUFFIX}")],
        "tests": [python, "-m", "pytest", *(pytest_options or USUAL)],
        "load": [python, "-m", "pytest", LOAD],
    }


def say(text: str) -> None:
    print(f"[check] {text}", flush=True)


def succeeds(command: list[str], **surroundings: str) -> bool:
    return subprocess.run(command, cwd=ROOT, check=False, env=os.environ | surroundings).returncode == 0


def fix() -> None:
    for command in (["format", "."], ["check", "--fix", "."]):
        succeeds([str(PYTHON), "-m", "ruff", *command])


def run_parts(parts: list[str], todo: dict[str, list[str]]) -> dict[str, tuple[bool, float]]:
    """Run every part, also after a failure, so that one run tells everything."""
    results = {}
    for part in parts:
        say(f"{part}: {' '.join(todo[part][1:]) or 'lint-imports'}")
        if part == "tests":  # compile once, and not once in every worker
            succeeds([str(PYTHON), "-m", "mastertrading", "warm"])
        began = time.monotonic()
        judged = {"CI": "1"} if part == "load" else {}
        results[part] = (succeeds(todo[part], **judged), time.monotonic() - began)
    return results


def summary(results: dict[str, tuple[bool, float]]) -> int:
    say("summary")
    for part, (good, seconds) in results.items():
        say(f"  {part:<8} {'ok' if good else 'FAILED':<6} {seconds:6.1f} s")
    failed = [part for part, (good, _) in results.items() if not good]
    if failed:
        say(f"not good: {', '.join(failed)}; again alone: python3 scripts/check.py {' '.join(failed)}")
    else:
        say("all good")
    return 1 if failed else 0


def main() -> int:
    given = sys.argv[1:]
    cut = given.index("--") if "--" in given else len(given)
    todo = commands(given[cut + 1 :])
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"only these: {', '.join(todo)}")
    parser.add_argument("--fix", action="store_true", help="format, and repair what ruff can repair")
    options = parser.parse_args(given[:cut])
    unknown = [part for part in options.parts if part not in todo]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(todo)}")
    try:
        set_up(DEV_LOCK)
        if options.fix:
            fix()
        parts = options.parts or list(todo)
        if "tests" in parts:
            clients_env.make_all()
        return summary(run_parts(parts, todo))
    except SetupError as failure:
        say(f"stopped: {failure}")
    except KeyboardInterrupt:
        say("stopped")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
