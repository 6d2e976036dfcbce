"""The README as a new user follows it: every command of the first walk, in order; and every link leads somewhere."""

from __future__ import annotations

import json
import re
import shlex
import webbrowser
from pathlib import Path

import pytest

from mastertrading.app import cli
from mastertrading.app.cli import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(r"^```sh\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^mkdir -p (\w+) && cat > (\S+) <<'END'\n(.*)^END$", re.MULTILINE | re.DOTALL)
TOLD = {"diff": 4}
"""Exit codes other than 0, as the README tells them."""


def walk():
    """Blocks of the section on the first signal."""
    return BLOCK.findall(README.split("## Your first signal\n")[1].split("\n## ")[0])


@pytest.fixture
def shown(monkeypatch):
    """What was shown in a browser."""
    pages: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda page, *_: pages.append(str(page)) or True)
    return pages


def test_the_first_signal_goes_from_an_idea_to_a_sweep(tmp_path, monkeypatch, capsys, shown):
    monkeypatch.chdir(tmp_path)
    told = {}
    for block in walk():
        if file := FILE.fullmatch(block):
            folder, name, text = file.groups()
            Path(folder).mkdir()
            Path(name).write_text(text)
            continue
        for line in block.replace("\\\n", " ").splitlines():
            command, *words = shlex.split(line)
            assert command == ".venv/bin/mastertrading"
            assert main(words) == TOLD.get(words[0], 0), line
            told[line] = capsys.readouterr().out
    said = "\n".join(told.values())
    assert "No look-ahead found" in said
    assert "No entry: the first refusal was htf_adx" in said
    assert "Behind it: one setting, risk.gates.htf_adx_min: 17 → 15." in " ".join(said.split())
    assert "by luck" in said
    assert json.loads(Path("runs/cross/summary.json").read_text())["signal"]["name"] == "cross"
    assert [Path(page.removeprefix("file://")).name for page in shown] == ["report.html"]


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda p: p.name)
def test_every_link_of_a_page_leads_to_a_file(page):
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    named = re.findall(r"`(docs/[\w./-]+|examples/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_command_has_a_row_in_the_readme():
    lines = re.findall(r"^\| (`[^|]+`) \|", README, flags=re.MULTILINE)
    rows = [name for line in lines for name in re.findall(r"`([\w-]+)[^`]*`", line)]
    assert set(cli.COMMANDS) <= set(rows)


def test_every_page_is_linked_from_the_readme():
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)\)", README))
    assert {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs"} == linked
