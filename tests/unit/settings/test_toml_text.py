"""TOML as text: the lines of keys, and settings that load back."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from mastertrading.settings import keys
from mastertrading.settings.load import examine, load
from mastertrading.settings.notes import notes
from mastertrading.settings.schema import Settings
from mastertrading.settings.toml_text import lines_of, template, to_toml, toml_value

TEXT = """\
seed = 1
risk.per_trade = 0.002   # dotted

[ risk . "tiers" ]
"half" = 0.001
[allocation.sessions]
floor_applies_to = [
  "smc",  # [not.a.table]
]
overlap = {start = 12, end = 14}
[[account.transfers]]
at = '''
[risk]
per_trade = 3
'''
[costs]
funding = true"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("seed", 1),
        ("risk.per_trade", 2),
        ("risk.tiers", 4),
        ("risk.tiers.half", 5),
        ("allocation.sessions", 6),
        ("allocation.sessions.floor_applies_to", 7),
        ("allocation.sessions.overlap.end", 10),
        ("account.transfers", 11),
        ("costs.funding", 17),
    ],
)
def test_a_key_is_found_on_the_line_where_it_stands(path, line):
    assert lines_of(TEXT)[tuple(path.split("."))] == line


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists)
)
def test_any_plain_value_is_written_so_that_toml_reads_it_back(value):
    def as_read(item):
        return [as_read(one) for one in item] if isinstance(item, list) else "" if item is None else item

    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == as_read(value)


def test_an_inline_table_is_written_so_that_toml_reads_it_back():
    value = [{"at": "2025-05-26", "a b": 1.5}]
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


def written_values(node):
    """Values that a setting of this schema node may hold, as JSON would write them."""
    if "enum" in node:
        return st.sampled_from(node["enum"])
    kind = node["type"]
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(node.get("minimum", 0), node.get("maximum", 10_000))
    if kind == "number":
        low = node.get("minimum", node.get("exclusiveMinimum", -1e9))
        return st.floats(low, node.get("maximum", 1e9), exclude_min="exclusiveMinimum" in node)
    if kind == "array" and "enum" in keys.resolve(node["items"]):
        return st.lists(written_values(keys.resolve(node["items"])), max_size=4)
    if kind == "array":
        return st.lists(st.fixed_dictionaries({"at": st.text(), "amount": st.floats(-1e6, 1e6)}), max_size=3)
    return st.text() | st.sampled_from(["half", "reduced", ""])


PATHS = sorted(path for path, _ in keys.leaves(Settings().model_dump(mode="json")))


@effort(max_examples=80, deadline=None)
@given(st.data())
def test_resolved_settings_written_as_toml_load_back_to_equal_settings(tmp_path_factory, data):
    paths = data.draw(st.lists(st.sampled_from(PATHS), max_size=8, unique=True))
    overrides = []
    for path in paths:
        value = data.draw(written_values(keys.find(path)))
        overrides.append(f"{keys.dotted(path)}={value if isinstance(value, str) else json.dumps(value)}")
    resolved, problems = examine(overrides=overrides)
    assume(not problems and resolved is not None)
    config = tmp_path_factory.mktemp("settings") / "config.toml"
    config.write_text(resolved.to_toml(), encoding="utf-8", newline="\n")
    again = load(config)
    assert again.settings == resolved.settings
    assert again.hash == resolved.hash
    assert set(again.origins) == set(resolved.origins)


def test_written_settings_carry_the_origin_of_each_value():
    resolved = load(environ={"MASTERTRADING__SEED": "5"}, overrides=["risk.per_trade=0.002"])
    lines = resolved.to_toml().splitlines()
    assert next(line for line in lines if line.startswith("seed = 5")).endswith("# env MASTERTRADING__SEED")
    assert next(line for line in lines if line.startswith("per_trade = 0.002")).endswith("# command line")


def test_an_origin_with_a_line_break_in_it_cannot_break_the_file():
    text = to_toml(Settings(), {"seed": "odd\nname.toml:1"})
    assert tomllib.loads(text)["seed"] == 1


def test_the_template_changes_nothing_and_uncommented_says_every_default(tmp_path):
    config = tmp_path / "all.toml"
    config.write_text(template(), encoding="utf-8")
    assert set(load(config).origins.values()) == {"default"}
    active = "\n".join(
        line[2:] if line.startswith("# ") and " = " in line else line for line in template().splitlines()
    )
    config.write_text(active, encoding="utf-8")
    resolved = load(config)
    assert resolved.settings == Settings()
    assert "default" not in resolved.origins.values()


@pytest.mark.parametrize(
    ("note", "below"),
    [
        ("Refuse to run on data graded worse than this.", '# worst_grade = "C"'),
        ("CSV ts_ms,name,impact,currency; empty: off.", '# calendar = ""'),
        ("Named caps on the risk of a trade.", "[risk.tiers]"),
    ],
)
def test_the_template_says_what_the_schema_says_of_a_setting(note, below):
    lines = template().splitlines()
    assert lines[lines.index(f"## {note}") + 1].startswith(below)


def test_every_note_of_the_schema_that_belongs_to_a_setting_is_in_the_template():
    of_entries = {("Transfer", "at")}  # a list of tables is one setting
    assert len(notes()) > 8
    for key in set(notes()) - of_entries:
        assert f"## {notes()[key]}" in template().splitlines(), key


def test_the_template_is_valid_toml():
    assert tomllib.loads(template()).keys() <= {*Settings.model_fields}
