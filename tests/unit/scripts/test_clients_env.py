"""Environments of other clients: each made once from its lock, and again when the lock is another."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def environments(tmp_path, monkeypatch):
    """The script as a module, on a made-up checkout; ``installed`` says which locks were installed."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    spec = importlib.util.spec_from_file_location("clients_env_script", ROOT / "scripts" / "clients_env.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.installed = []

    def make(venv):
        module.python_of(venv).parent.mkdir(parents=True, exist_ok=True)
        module.python_of(venv).touch()

    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "HOME", tmp_path / ".venv-clients")
    monkeypatch.setattr(module, "make_venv", make)
    monkeypatch.setattr(module, "install_lock", lambda lock, python: module.installed.append(lock))
    for lock in module.LOCKS.values():
        (tmp_path / lock).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / lock).write_text("pybit==1\n", encoding="utf-8")
    yield module
    sys.modules.pop("setup", None)


def test_environments_are_made_once_each(environments):
    environments.make_all()
    environments.make_all()
    assert environments.installed == list(environments.LOCKS.values())


def test_a_lock_that_changed_is_installed_again_and_the_others_are_not(environments, tmp_path):
    environments.make_all()
    (tmp_path / environments.LOCKS["connector"]).write_text("pybit==2\n", encoding="utf-8")
    environments.make_all()
    assert environments.installed[2:] == [environments.LOCKS["connector"]]


def test_an_installation_that_fails_is_tried_again_next_time(environments, monkeypatch):
    def fail(lock, python):
        raise environments.SetupError("no network")

    monkeypatch.setattr(environments, "install_lock", fail)
    assert environments.main() == 1
    monkeypatch.setattr(
        environments, "install_lock", lambda lock, python: environments.installed.append(lock)
    )
    assert environments.main() == 0
    assert environments.installed == list(environments.LOCKS.values())


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-connector.lock"])
def test_locks_name_every_file_by_its_hash_and_no_host(lock):
    text = (ROOT / "tests" / "clients" / lock).read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if "==" in line]
    assert len(pins) >= 8
    assert text.count("\n    --hash=sha256:") >= len(pins)
    assert "://" not in text
