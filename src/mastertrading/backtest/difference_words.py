"""The words of ``diff``. Translated first, filled in afterwards."""

from __future__ import annotations

FIRST = {
    "identical": "The same run: {run}. Code, configuration, data and window are one, and so are decisions and trades.",
    "same": "The same decisions and trades in every minute, although these differ: {what}.",
    "same_overlap": "The same decisions and trades in all that both have. These differ: {what}.",
    "module": "The runs part at {time} UTC on {instrument}: {module} said {a} in A and {b} in B.",
    "module_gate": "The runs part at {time} UTC on {instrument}: {gate} answered differently, with no other forecast.",
    "allocation": "The runs part at {time} UTC on {instrument}: the same forecasts were weighed differently.",
    "position": "The runs part at {time} UTC on {instrument}: only one of them held a position.",
    "gate": "The runs part at {time} UTC on {instrument}: a gate answered differently ({gate}).",
    "size": "The runs part at {time} UTC on {instrument}: the same entry got another size.",
    "exit": "The runs part at {time} UTC on {instrument}: only one of them ordered an exit, or another one.",
    "fill": "The runs part at {time} UTC on {instrument}: a fill differs.",
    "funding": "The runs part at {time} UTC on {instrument}: a funding payment differs.",
    "account": "The runs part at {time} UTC: the accounts are not equally large.",
    "stop": "The runs part at {time} UTC on {instrument}: another stop rested.",
    "trade": "Every decision and fill that both have is equal, but a trade is not.",
}

CAUSES = {
    "behind": "Behind it: {causes}.",
    "configuration": "{count} settings ({names})",
    "setting": "one setting, {name}: {a} → {b}",
    "signal": "another signal, or other parameters of it ({names})",
    "parameter": "one parameter of the signal, {name}: {a} → {b}",
    "source": "another version of the signal's file",
    "span": "another window, or other instruments or modules",
    "data": "other data",
    "prices": "other data: prices differ from {time} UTC on ({instrument} first)",
    "code": "other code",
    "forecasts": "other forecasts (--signals)",
    "unknown": "Nothing explains it: equal configuration, data and code must give equal runs. Please report this.",
}

WHAT = {
    "run_id": "run",
    "config_hash": "configuration",
    "data_id": "data",
    "code_id": "code",
    "signal": "signal",
    "seed": "seed",
    "source": "bars from",
    "grade": "grade of the data",
    "from_ms": "first decision",
    "to_ms": "last decision",
    "base_ms": "length of a bar",
    "instruments": "instruments",
    "modules": "modules",
    "net_atoms": "net USDT",
    "trades": "trades",
    "win_rate": "win rate %",
    "gross_atoms": "gross USDT",
    "fees_atoms": "fees USDT",
    "funding_atoms": "funding USDT",
    "final_atoms": "final balance USDT",
    "drawdown": "drawdown %",
    "sharpe": "Sharpe",
}

TITLES = {
    "identity": "What ran",
    "settings": "Settings that differ",
    "signal": "The signal",
    "minute": "That minute",
    "trade": "First trade that differs",
    "outcomes": "Results of the whole runs",
}

LINES = {
    "a": "A  {run} in {folder}",
    "b": "B  {run} in {folder}",
    "compared": "Compared: {instruments}, decisions from {start} to {end} UTC, {differing} of {rows} rows differ.",
    "only_overlap": "Only what both runs have was compared; outside of it they cannot be equal or different.",
    "more": "mastertrading why {instrument} --at {time} --run {folder} tells all of that minute.",
    "gates_behind": "Behind it, {count} gates were asked in one of the runs only.",
    "settings_more": "… and {count} more",
}
