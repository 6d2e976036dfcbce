"""Settings from defaults, a file, the environment and the command line."""

from __future__ import annotations

import json

import pytest

from mastertrading.domain.errors import ConfigError
from mastertrading.settings.load import config_hash, examine, load
from mastertrading.settings.schema import Settings


@pytest.fixture
def file(tmp_path):
    """Write a TOML file and give its path."""

    def write(text, name="my.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def only_problem(config=None, **layers):
    resolved, problems = examine(config, **layers)
    assert resolved is None
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


def test_nothing_given_gives_the_defaults_and_says_so():
    resolved = load()
    assert resolved.settings == Settings()
    assert set(resolved.origins.values()) == {"default"}
    assert "risk.per_trade" in resolved.origins
    assert "instruments.BTCUSDT.tier" in resolved.origins


def test_every_layer_overrules_the_one_before_and_every_value_knows_its_origin(file):
    config = file(
        "seed = 7\n[risk]\nper_trade = 0.001\n[risk.stops]\nstop_atr = 2\n[costs]\nfunding = false\n"
    )
    resolved = load(
        config,
        environ={"MASTERTRADING__RISK__PER_TRADE": "0.002", "MASTERTRADING__RISK__STOPS__STOP_ATR": "3"},
        overrides=["risk.stops.stop_atr=4"],
    )
    assert resolved.settings.seed == 7
    assert resolved.settings.risk.per_trade == 0.002
    assert resolved.settings.risk.stops.stop_atr == 4.0
    assert resolved.origins["seed"] == f"{config}:1"
    assert resolved.origins["costs.funding"] == f"{config}:7"
    assert resolved.origins["risk.per_trade"] == "env MASTERTRADING__RISK__PER_TRADE"
    assert resolved.origins["risk.stops.stop_atr"] == "command line"
    assert resolved.origins["risk.stops.stop_base"] == "default"


def test_the_last_override_of_a_setting_wins():
    assert load(overrides=["seed=2", "seed=3"]).settings.seed == 3


def test_an_instrument_in_a_file_refines_its_default_and_keeps_the_other_six(file):
    resolved = load(
        file('[instruments."BTC/USDT:USDT"]\nrisk_cap = 0.001\n[instruments.pepe]\ntier = "half"\n')
    )
    instruments = resolved.settings.instruments
    assert list(instruments) == [*Settings().instruments, "PEPEUSDT"]
    assert instruments["BTCUSDT"].risk_cap == 0.001
    assert instruments["BTCUSDT"].tier == "half"
    assert instruments["ETHUSDT"] == Settings().instruments["ETHUSDT"]


@pytest.mark.parametrize("name", ["XBTUSDTM", "BTC-USDT-PERP", "btc", "BTC/USDT:USDT"])
def test_any_name_of_an_instrument_is_understood_in_every_layer(name, file):
    quoted = file(f'[instruments."{name}"]\nrisk_cap = 0.001\n')
    assert load(quoted).settings.instruments["BTCUSDT"].risk_cap == 0.001
    assert (
        load(overrides=[f"instruments.{name}.risk_cap=0.001"]).settings.instruments["BTCUSDT"].risk_cap
        == 0.001
    )
    environ = {f"MASTERTRADING__INSTRUMENTS__{name.upper()}__RISK_CAP": "0.001"}
    assert load(environ=environ).settings.instruments["BTCUSDT"].risk_cap == 0.001


def test_two_names_of_one_instrument_in_one_file_are_refused(file):
    problem = only_problem(
        file("[instruments.BTC]\nrisk_cap = 0.001\n[instruments.BTCUSDT]\nrisk_cap = 0.002\n")
    )
    assert problem.key == "instruments.BTCUSDT.risk_cap"
    assert "twice" in problem.why


def test_a_word_that_is_no_instrument_is_refused_with_its_line(file):
    problem = only_problem(file('[instruments."B$C"]\nrisk_cap = 0.001\n'))
    assert "not the name of an instrument" in problem.why
    assert problem.where.endswith(", line 2")


def test_the_environment_is_typed_by_the_schema():
    resolved = load(
        environ={
            "MASTERTRADING__ALLOCATION__SESSIONS__FLOOR_APPLIES_TO": '["trend", "carry"]',
            "MASTERTRADING__RISK__KELLY__ENABLED": "True",
            "MASTERTRADING__RISK__TIERS": '{"half": 0.001, "tiny": 0.0001}',
            "MASTERTRADING__DATA__VIEWS__LTF": "closed",
            "MASTERTRADING__COSTS__SLIPPAGE": ".0002",
            "MASTERTRADING__INSTRUMENTS__ETH__TICK": "0.10",
            "MASTERTRADING_LANG": "es",
            "PATH": "/usr/bin",
        }
    )
    settings = resolved.settings
    assert settings.allocation.sessions.floor_applies_to == ("trend", "carry")
    assert settings.risk.kelly.enabled is True
    assert settings.risk.tiers == {"half": 0.001, "reduced": 0.002, "tiny": 0.0001}
    assert settings.data.views.ltf == "closed"
    assert settings.costs.slippage == 0.0002
    assert settings.instruments["ETHUSDT"].tick == "0.10"


def test_an_empty_text_takes_an_optional_value_away(file):
    resolved = load(file('[instruments.BTC]\ntier = ""\n'))
    assert resolved.settings.instruments["BTCUSDT"].tier is None
    assert resolved.origins["instruments.BTCUSDT.tier"].endswith("my.toml:2")


def test_a_time_in_toml_is_taken_as_iso_text(file):
    transfers = load(
        file("[account]\ntransfers = [{at = 2025-05-26T00:00:00Z, amount = 5}]\n")
    ).settings.account.transfers
    assert transfers[0].at == "2025-05-26T00:00:00+00:00"
    assert transfers[0].amount == 5.0


def test_a_byte_order_mark_is_no_problem(tmp_path):
    config = tmp_path / "notepad.toml"
    config.write_bytes(b"\xef\xbb\xbfseed = 9\r\n")
    assert load(config).settings.seed == 9


@pytest.mark.parametrize(
    ("text", "line", "meant"),
    [
        ("[risk]\nper_trde = 0.002\n", 2, "risk.per_trade"),
        ("\n\nsed = 3\n", 3, "seed"),
        ("[rsk]\nper_trade = 0.002\n", 1, "risk"),
        ("[risk]\nstop_base = 0.01\n", 2, "risk.stops.stop_base"),
        ("[instruments.ETH]\nteir = 'half'\n", 2, "instruments.ETHUSDT.tier"),
        ("risk.Per_Trade = 0.002\n", 1, "risk.per_trade"),
        ("[signals.smc]\nswing_bar = 3\n", 2, "signals.smc.swing_bars"),
    ],
)
def test_a_misspelt_key_is_refused_with_its_line_and_what_was_meant(file, text, line, meant):
    problem = only_problem(file(text))
    assert problem.where.endswith(f"my.toml, line {line}")
    assert f"did you mean {meant}?" in problem.why
    assert problem.hint.startswith("mastertrading config show --defaults")


def test_a_key_like_no_other_is_refused_without_a_guess(file):
    assert "did you mean" not in only_problem(file("xqzv = 1\n")).why


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MASTERTRADING__RISK__PER_TRDE", "MASTERTRADING__RISK__PER_TRADE"),
        ("MASTERTRADING_RISK__PER_TRADE", "MASTERTRADING__RISK__PER_TRADE"),
        ("MASTERTRADING_RISK_PER_TRADE", "MASTERTRADING__RISK__PER_TRADE"),
    ],
)
def test_a_misspelt_environment_name_is_refused_with_what_was_meant(name, meant):
    problem = only_problem(environ={name: "0.002"})
    assert problem.key == name
    assert problem.where == f"environment {name}"
    assert f"did you mean {meant}?" in problem.why


def test_a_variable_that_is_named_like_ours_and_is_none_is_refused():
    problem = only_problem(environ={"MASTERTRADING_LANGUAGE": "es", "MASTERTRADING_CACHE": "x"})
    assert problem.key == "MASTERTRADING_LANGUAGE"
    assert "MASTERTRADING_LANG" in problem.why
    assert problem.hint == "unset MASTERTRADING_LANGUAGE"


def test_a_value_out_of_range_names_file_line_key_value_bounds_and_a_command(file):
    problem = only_problem(file("[risk]\n# half\nper_trade = 0.5\n"))
    assert (problem.key, problem.value) == ("risk.per_trade", "0.5")
    assert problem.where.endswith("my.toml, line 3")
    assert problem.allowed == "a number, more than 0 and at most 0.05"
    assert problem.hint == "mastertrading config show --defaults risk"


@pytest.mark.parametrize(
    ("override", "allowed"),
    [
        ("risk.per_trade=nan", "a number"),
        ("risk.stops.stop_atr=inf", "a number"),
        ("allocation.threshold=NaN", "a number"),
        ("account.leverage=five", "a number"),
        ("seed=1.0", "a whole number"),
        ("seed=-1", "at least 0"),
        ("costs.taker_fee=true", "a number"),
        ("risk.kelly.enabled=1", "true or false"),
        ("data.views.ltf=formed", "one of forming, closed"),
        ("allocation.sessions.floor_applies_to=smc", "a list of"),
        ('allocation.sessions.floor_applies_to=["smc", "smd"]', "one of trend, meanrev, carry, smc"),
        ('account.transfers=[{"at": "2025-05-26"}]', "a list of tables"),
        ("risk.tiers.half=2", "at most 1"),
    ],
)
def test_a_value_of_the_wrong_kind_or_range_is_refused_and_told_what_is_allowed(override, allowed):
    problem = only_problem(overrides=[override])
    assert problem.key == override.split("=")[0]
    assert problem.where == "command line"
    assert allowed in problem.allowed


def test_a_number_in_quotes_is_not_a_number_in_a_file(file):
    assert only_problem(file('[account]\nleverage = "5"\n')).value == '"5"'


def test_a_bare_number_is_not_exact_decimal_text(file):
    assert only_problem(file("[instruments.ETH]\ntick = 0.1\n")).allowed == "text in quotes"


@pytest.mark.parametrize("text", ["risk = 3\n", "[risk]\nstops = [1]\n"])
def test_a_value_where_a_table_belongs_is_refused(file, text):
    assert only_problem(file(text)).why == "this is a table, not a value"


def test_settings_that_contradict_each_other_are_named_with_their_places(file):
    problem = only_problem(file("[risk.volatility]\ncalm = 0.02\n"), overrides=["risk.volatility.wild=0.01"])
    assert "calm must be below wild" in problem.why
    assert "risk.volatility.calm = 0.02" in problem.key
    assert "my.toml, line 2" in problem.where
    assert "command line" in problem.where


def test_settings_that_contradict_defaults_are_named_with_all_values_and_the_place_of_the_one_given():
    problem = only_problem(overrides=["data.base_minutes=60"])
    assert "data.base_minutes = 60, data.ltf_minutes = 5" in problem.key
    assert "worst_grade" not in problem.key
    assert problem.where == "command line"


@pytest.mark.parametrize("key", ["foo", "flat", "xqzv"])
def test_a_table_is_never_what_was_meant_by_a_key_in_it(file, key):
    problem = only_problem(file(f"[risk.breakers]\n{key} = 1\n"))
    assert "did you mean risk.breakers?" not in problem.why
    assert problem.hint == "mastertrading config show --defaults risk.breakers"


def test_problems_come_in_the_order_of_the_lines_and_a_second_name_hides_none(file):
    text = "[risk]\nper_trade = 9\n[instruments.BTC]\nrisk_cap = 0.1\n[instruments.BTCUSDT]\nrisk_cap = 9\n"
    _, problems = examine(file(text + "sed = 1\n"))
    assert [problem.where.rsplit(" ", 1)[1] for problem in problems] == ["2", "6", "6", "7"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("seed = 1\nseed = 2\n", "only once"),
        ("[risk]\n[risk]\n", "only once"),
        ("seed = half\n", "quotes"),
        ("[risk\n", "config init"),
    ],
)
def test_a_file_that_is_no_toml_gets_a_hint_that_fits(file, text, hint):
    assert hint in only_problem(file(text)).hint


def test_several_problems_leave_no_label_without_a_text(file):
    with pytest.raises(ConfigError) as caught:
        load(file("sed = 1\nsedd = 1\n"))
    assert str(caught.value).startswith("2 settings cannot be used\nsed")
    assert all(not line.endswith(": ") for line in str(caught.value).splitlines())


def test_a_tier_that_does_not_exist_is_named_with_its_place(file):
    problem = only_problem(file('[instruments.ADA]\ntier = "halff"\n'))
    assert problem.where.endswith("my.toml, line 2")
    assert "risk.tiers" in problem.why


def test_all_problems_are_told_at_once(file):
    config = file('sed = 1\n[risk]\nper_trade = 9\nper_trde = 1\n[account]\nleverage = "5"\n')
    with pytest.raises(ConfigError) as caught:
        load(config, environ={"MASTERTRADING__COST__X": "1"}, overrides=["seed"])
    text = str(caught.value)
    for part in (
        "sed",
        "risk.per_trade",
        "risk.per_trde",
        "account.leverage",
        "MASTERTRADING__COST__X",
        "seed",
    ):
        assert part in text
    assert caught.value.exit_code == 2
    assert "6 settings" in caught.value.what


def test_an_override_without_an_equals_sign_is_refused():
    assert only_problem(overrides=["risk.per_trade"]).hint == "--set risk.per_trade=0.002"


def test_text_that_is_not_toml_is_refused_with_its_line(file):
    problem = only_problem(file("[risk]\nper_trade = half\n"))
    assert problem.where.endswith("my.toml, line 2")
    assert problem.key == "per_trade = half"


def test_a_file_that_ends_in_the_middle_is_refused_with_a_place(file):
    assert "my.toml, line" in only_problem(file("[account]\ntransfers = [\n")).where


def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        load(tmp_path / "none.toml")
    assert "config init" in caught.value.hint


def test_a_folder_or_a_picture_in_place_of_a_file_is_a_configuration_error(tmp_path):
    picture = tmp_path / "x.toml"
    picture.write_bytes(b"\x89PNG\xff\xfe")
    for path in (tmp_path, picture):
        with pytest.raises(ConfigError, match="cannot be read"):
            load(path)


def test_the_hash_depends_on_the_values_and_not_on_where_they_came_from(file):
    by_file = load(file("[risk]\nper_trade = 0.002\n"))
    by_command = load(overrides=["risk.per_trade=0.002"])
    assert by_file.hash == by_command.hash == config_hash(by_file.settings)
    assert by_file.hash != load().hash
    assert len(by_file.hash) == 64


def test_problems_are_plain_values_for_machines(file):
    problem = only_problem(file("sed = 1\n"))
    assert json.dumps([problem.key, problem.where, problem.why])


@pytest.mark.parametrize("amount", ["inf", "-inf", "nan"])
def test_a_transfer_that_is_not_a_finite_amount_is_refused_with_its_place_and_entry(file, amount):
    config = file(f'[[account.transfers]]\nat = "2025-05-26"\namount = {amount}\n')
    problem = only_problem(config)
    assert problem.key == "account.transfers"
    assert problem.where.endswith("my.toml, line 1")
    assert problem.why == "entry 1, amount: it must be a finite number"


@pytest.mark.parametrize("at", ["soon", "2025-13-01", "26.05.2025", ""])
def test_a_transfer_at_no_time_is_refused_when_the_settings_are_read(file, at):
    given = f'{{at = "2025-05-26", amount = 1}}, {{at = "{at}", amount = 1}}'
    problem = only_problem(file(f"seed = 2\n[account]\ntransfers = [{given}]\n"))
    assert problem.where.endswith("my.toml, line 3")
    assert problem.why.startswith(f"entry 2, at: {at!r} is not a time")


@pytest.mark.parametrize(
    "at", ["2025-05-26", "2025-05-26T10:35", "2025-05-26T10:35:00Z", "2025-05-26T10:35+02:00"]
)
def test_a_transfer_at_any_iso_time_is_taken_as_it_is_written(at):
    overrides = [f'account.transfers=[{{"at": "{at}", "amount": -5}}]']
    assert load(overrides=overrides).settings.account.transfers[0].at == at
