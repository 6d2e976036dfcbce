"""Set everything up: ``python3 scripts/setup.py``.

Makes ``.venv/`` in the checkout, installs exactly what the lock file names (each file checked by its hash),
then mastertrading itself, and compiles the kernels once. Needs Python 3.11 to 3.13 and the package index; no
compiler, no server. Run it as often as you like: when nothing changed it does nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
SUFFIX = ".exe" if os.name == "nt" else ""
PYTHON = BIN / f"python{SUFFIX}"
STAMP = VENV / "mastertrading-setup.json"
LOCK = "requirements.lock"
DEV_LOCK = "requirements-dev.lock"
OLDEST, NEWEST = (3, 11), (3, 13)
NO_PIP = """there is no pip for this Python
  Debian and Ubuntu: apt install python3-venv
  Fedora:            dnf install python3-pip
  others:            install Python from python.org, which brings it along"""


class SetupError(Exception):
    """Set-up cannot go on; the message says why and what to do."""


def say(text: str) -> None:
    print(f"[set-up] {text}", flush=True)


def run(*command: object, show: bool = True) -> bool:
    """Run a command in the checkout and tell whether it worked."""
    output = None if show else subprocess.DEVNULL
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, stdout=output, stderr=output, check=False
    )
    return done.returncode == 0


def check_python() -> None:
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = [name for name in names if shutil.which(name)]
    advice = (
        f"try: {found[0]} scripts/setup.py" if found else "install Python 3.13 and run this script with it"
    )
    raise SetupError(f"Python 3.11, 3.12 or 3.13 is needed, this is {sys.version.split()[0]}\n  {advice}")


def python_of(venv: Path) -> Path:
    return venv / ("Scripts" if os.name == "nt" else "bin") / f"python{SUFFIX}"


def make_venv(venv: Path = VENV) -> None:
    """Make a virtual environment, again if its Python is gone or of another version than this one."""
    version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    if python_of(venv).exists() and run(python_of(venv), "-c", version, show=False):
        return
    say(f"making {venv.relative_to(ROOT)} with Python {sys.version.split()[0]}")
    if not run(sys.executable, "-m", "venv", "--clear", "--without-pip", venv):
        raise SetupError(f"{venv} could not be made; the lines above say why\n{NO_PIP}")


def pip(python: Path = PYTHON) -> list[object]:
    """The pip that installs into a virtual environment: its own, else that of this Python."""
    own: list[object] = [python, "-m", "pip"]
    if run(*own, "--version", show=False):
        return own
    if run(python, "-m", "ensurepip", show=False) and run(*own, "--version", show=False):
        return own
    if run(sys.executable, "-m", "pip", "--python", python, "--version", show=False):
        return [sys.executable, "-m", "pip", "--python", python]
    raise SetupError(NO_PIP)


def install_lock(lock: str, python: Path = PYTHON) -> None:
    """Install exactly what the lock names, each file checked by its hash."""
    quiet = [] if sys.stdout.isatty() else ["--quiet", "--quiet"]
    command = [*pip(python), "install", "--disable-pip-version-check", *quiet]
    if not run(*command, "--require-hashes", "--only-binary", ":all:", "-r", lock):
        raise SetupError(
            f"not everything in {lock} could be installed; the lines above say why\n  is the network up?"
        )


def state(lock: str) -> str:
    """What an installation depends on. The same state needs no new installation."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for name in (lock, "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def stamps() -> dict[str, str]:
    try:
        known = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def install(lock: str) -> None:
    """Install what the lock names, then this checkout, so that edits to it act at once."""
    count = sum("==" in line for line in (ROOT / lock).read_text(encoding="utf-8").splitlines())
    say(f"installing from {lock} ({count} packages; the first time this takes a minute or two)")
    STAMP.unlink(missing_ok=True)
    install_lock(lock)
    own = ["--quiet", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT]
    if not run(*pip(), "install", "--disable-pip-version-check", *own):
        raise SetupError("mastertrading itself could not be installed; the lines above say why")


def set_up(lock: str = LOCK, force: bool = False) -> None:
    """Bring ``.venv/`` to what the lock says; quick when it is there already."""
    check_python()
    make_venv()
    known = stamps()
    if known.get(lock) == state(lock) and not force:
        return
    install(lock)
    known = {LOCK: state(LOCK), lock: state(lock)}
    STAMP.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dev", action="store_true", help="also install what the checks need")
    parser.add_argument("--force", action="store_true", help="install again although nothing changed")
    parser.add_argument("--no-warm", action="store_true", help="do not compile the kernels now")
    options = parser.parse_args()
    began = time.monotonic()
    try:
        set_up(DEV_LOCK if options.dev else LOCK, options.force)
        if not options.no_warm and not run(PYTHON, "-m", "mastertrading", "warm"):
            raise SetupError("the kernels could not be compiled; the lines above say why")
    except SetupError as failure:
        say(f"stopped: {failure}")
        return 1
    except KeyboardInterrupt:
        say("stopped; run it again to go on where it was")
        return 130
    command = (BIN / f"mastertrading{SUFFIX}").relative_to(ROOT)
    say(f"ready after {time.monotonic() - began:.0f} s; try: {command} --help")
    return 0


if __name__ == "__main__":
    sys.exit(main())
