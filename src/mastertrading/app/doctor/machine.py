"""The machine and the installation."""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from mastertrading import __version__
from mastertrading.app.findings import Finding, fail, ok, warn
from mastertrading.app.messages import tr

OLDEST, TOO_NEW = (3, 11), (3, 14)
NEEDED = {
    "aiohttp": (3, 12),
    "ccxt": (4, 5, 60),
    "cryptography": (45,),
    "django": (5, 2, 8),
    "numba": (0, 66),
    "numpy": (2, 2),
    "polars": (2, 0),
    "pydantic": (2, 11),
    "rich": (14,),
}
"""The oldest versions that do (``pyproject.toml``; a test compares)."""
LEAST_BYTES, FEW_BYTES = 200 << 20, 1 << 30
OTHERS = 0o077


def look_at_machine(folder: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that needs no settings and no journal."""
    yield python()
    yield dependencies()
    yield kernels()
    yield disk(folder)
    yield from secret_files(environ)


def python() -> Finding:
    """The interpreter."""
    found = (
        f"Python {platform.python_version()}, mastertrading {__version__}, {platform.platform(terse=True)}"
    )
    if OLDEST <= sys.version_info[:2] < TOO_NEW:
        return ok("python", found)
    return fail("python", found, tr("use Python 3.11 to 3.13"))


def dependencies() -> Finding:
    """Versions of what we stand on."""
    told, wrong = [], []
    for name, least in NEEDED.items():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} {tr('is missing')}")
            continue
        told.append(f"{name} {version}")
        if _numbers(version) < least:
            wrong.append(f"{name} {version} < {'.'.join(map(str, least))}")
    if wrong:
        return fail("dependencies", ", ".join(wrong), "pip install -r requirements.lock")
    return ok("dependencies", ", ".join(told))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def kernels() -> Finding:
    """Whether the rules are compiled."""
    from mastertrading.app.commands.warm import WARM
    from mastertrading.compiled.kernel import cache_folder

    folder = cache_folder()
    if folder is None:
        why = tr("no folder can be written for compiled rules: every process compiles anew")
        return warn("compiled rules", why, tr("make the cache folder writable"))
    if not (folder / WARM).exists():
        return warn(
            "compiled rules", tr("not compiled yet: the first run takes a minute"), "mastertrading warm"
        )
    return ok("compiled rules", str(folder))


def disk(folder: Path) -> Finding:
    """Room where the journal grows."""
    place = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    left = shutil.disk_usage(place).free
    found = tr("{left:.1f} GB free at {place}").format(left=left / 1e9, place=place)
    if left < LEAST_BYTES:
        return fail("disk", found, tr("free some space: without room for the journal nothing is sent"))
    return warn("disk", found, tr("free some space")) if left < FEW_BYTES else ok("disk", found)


def secret_files(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Files with keys that the environment names: only their owner may read them."""
    names = [name for name in environ if re.fullmatch(r"MASTERTRADING_(KEYS_\w+_FILE|KEK_FILE)", name)]
    for name in sorted(names):
        yield secret_file(name, Path(environ[name]))


def secret_file(name: str, path: Path) -> Finding:
    """One of them."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return fail(name, f"{path}: {error.strerror}", tr("name another file, or remove the variable"))
    if os.name != "nt" and mode & OTHERS:
        return fail(name, tr("{path} can be read by others").format(path=path), f"chmod 600 {path}")
    return ok(name, str(path))
