"""Set-up and check as scripts: plain Python, clear words, nothing done twice."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


@pytest.fixture
def setup(tmp_path, monkeypatch):
    """The set-up script as a module, looking at a made-up checkout with a finished virtual environment."""
    spec = importlib.util.spec_from_file_location("setup_script", SCRIPTS / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(module, "make_venv", lambda: None)
    for name in (module.LOCK, module.DEV_LOCK, "pyproject.toml"):
        (tmp_path / name).write_text("numpy==2.4.6 \\\n", encoding="utf-8")
    return module


@pytest.fixture
def installed(setup, monkeypatch):
    """Names of the locks that were installed, in order."""
    locks = []
    monkeypatch.setattr(setup, "install", locks.append)
    return locks


def test_set_up_installs_once_and_does_nothing_while_nothing_changes(setup, installed):
    setup.set_up()
    setup.set_up()
    assert installed == [setup.LOCK]


def test_a_changed_lock_or_project_is_installed_again(setup, installed, tmp_path):
    setup.set_up()
    (tmp_path / setup.LOCK).write_text("numpy==2.4.7 \\\n", encoding="utf-8")
    setup.set_up()
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    setup.set_up()
    assert len(installed) == 3


def test_what_the_checks_need_contains_what_users_need(setup, installed):
    setup.set_up(setup.DEV_LOCK)
    setup.set_up()
    setup.set_up(setup.DEV_LOCK)
    assert installed == [setup.DEV_LOCK]


def test_a_damaged_stamp_means_install_again(setup, installed):
    setup.STAMP.write_text("{", encoding="utf-8")
    setup.set_up()
    assert installed == [setup.LOCK]


@pytest.mark.parametrize("version", [(3, 10, 2), (3, 14, 0)])
def test_a_python_too_old_or_too_new_is_refused_with_what_to_do(setup, monkeypatch, version):
    monkeypatch.setattr(setup.sys, "version_info", version)
    monkeypatch.setattr(setup.shutil, "which", lambda name: name if name == "python3.12" else None)
    with pytest.raises(
        setup.SetupError, match=r"3\.11, 3\.12 or 3\.13 is needed(?s:.*)try: python3\.12 scripts/setup\.py"
    ):
        setup.check_python()


def test_a_machine_without_any_pip_is_told_what_to_install(setup, monkeypatch):
    monkeypatch.setattr(setup, "run", lambda *command, **options: False)
    with pytest.raises(setup.SetupError, match="apt install python3-venv"):
        setup.pip()


def test_an_installation_that_fails_leaves_no_stamp(setup, monkeypatch):
    setup.STAMP.write_text('{"requirements.lock": "old"}', encoding="utf-8")
    monkeypatch.setattr(setup, "pip", lambda *python: ["pip"])
    monkeypatch.setattr(setup, "run", lambda *command, **options: False)
    with pytest.raises(setup.SetupError, match=r"not everything in requirements\.lock"):
        setup.set_up()
    assert not setup.STAMP.exists()


def check(*arguments):
    command = [sys.executable, str(SCRIPTS / "check.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_check_names_its_parts_and_refuses_others():
    for part in ("format", "lint", "types", "imports", "tests"):
        assert part in check("--help").stdout
    wrong = check("typos")
    assert wrong.returncode == 2
    assert "there is no part 'typos'" in wrong.stderr
