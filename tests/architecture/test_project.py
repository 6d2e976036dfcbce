"""The project as a whole: commands, two README commands, locks, and nothing of one machine in it."""

from __future__ import annotations

import argparse
import re
import tomllib

import pytest

from architecture.source import ROOT, text_files
from mastertrading import __version__
from mastertrading.app import cli

REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted",
    "registry." + "npmjs",
    "deb." + "debian",
    "index" + "-url=",
)
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:work|root|Users|home/[a-z]|opt/[a-z]+|tmp/[a-z])[\w/.-]*")
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_of_the_table_exists_and_explains_itself(name):
    parser, module = cli.command_parser(name)
    assert cli.COMMANDS[name][1] == module.SUMMARY
    shown = parser.format_help()
    assert f"mastertrading {name}" in shown


def options(parser):
    """Every option and argument of a command and of its actions."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from options(below)
        else:
            yield action


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_option_of_a_command_has_a_word_of_help(name):
    parser, _ = cli.command_parser(name)
    assert [action.dest for action in options(parser) if not action.help] == []


def test_no_file_names_a_package_registry_or_a_path_of_one_machine():
    for name, text in text_files().items():
        if name == "tests/architecture/test_project.py":
            continue
        assert not [host for host in REGISTRIES if host in text], name
        assert MACHINE_PATH.findall(text) == [], name


def shell_blocks():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```(?:sh|bash|shell)\n(.*?)\n```$", readme, flags=re.MULTILINE | re.DOTALL)


def test_the_readme_begins_with_the_two_commands():
    first, second = shell_blocks()[:2]
    assert first == "python3 scripts/setup.py && .venv/bin/mastertrading demo"
    assert second == "python3 scripts/check.py"


def test_ci_runs_the_second_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert script[0] == "#!/usr/bin/env bash"
    assert script[-1] == shell_blocks()[1]


def pinned(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {
        name.lower(): body
        for name, body in re.findall(r"^([\w.-]+)==(.*(?:\n    --hash.*)+)", text, re.MULTILINE)
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_dependency_by_hash(lock):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    if "dev" in lock:
        wanted = wanted + project["project"]["optional-dependencies"]["dev"]
    names = {re.match(r"[\w.-]+", one).group().lower() for one in wanted}
    assert names <= set(pinned(lock))
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert sum("==" in line for line in lines) == len(
        re.findall(r"^[\w.-]+==", "\n".join(lines), re.MULTILINE)
    )
    assert all("--hash=sha256:" in body for body in pinned(lock).values())


def test_the_check_uses_the_very_versions_that_users_get():
    users, checks = ({name: body.split()[0] for name, body in pinned(lock).items()} for lock in LOCKS)
    assert users.items() <= checks.items()


def test_the_version_is_told_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == __version__


def test_every_decision_record_has_its_four_parts():
    for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]} "), path.name
        for part in ("Context", "Choice", "Consequences", "Would change our mind"):
            assert f"\n## {part}\n" in text, f"{path.name}: {part}"
