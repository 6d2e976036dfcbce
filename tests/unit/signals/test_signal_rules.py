from __future__ import annotations

from mastertrading.settings.schema import Settings
from mastertrading.settings.signal_rules import signal_rules


def rules_of(**changes):
    return signal_rules(Settings.model_validate(changes))[0]


def leaves(record, path=()):
    for name in record.dtype.names:
        value = record[name]
        if value.dtype.names:
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value.item()


def test_timeframes_views_and_warm_up_reach_the_kernels():
    rules = rules_of(data={"htf_minutes": 30, "views": {"htf": "forming"}}, signals={"warm_up": {"htf": 77}})
    assert (rules.htf.length_ms, rules.htf.forming, rules.htf.warm_up) == (1_800_000, 1, 77)
    assert (rules.ltf.length_ms, rules.ltf.forming, rules.ltf.warm_up) == (300_000, 1, 120)
    assert (rules.htf2.length_ms, rules.htf2.forming, rules.htf2.warm_up) == (14_400_000, 0, 60)


def test_every_number_of_the_modules_reaches_the_kernels():
    defaults = dict(leaves(rules_of()))
    signals, smc = Settings().signals, {}
    for name, value in signals.smc:
        smc[name] = "gate" if name == "ema_confluence" else value + 1
    changed = {"smc": smc}
    for group in ("trend", "meanrev", "carry"):
        changed[group] = {}
        for name, value in getattr(signals, group):
            flipped = {"against": "late", "late": "against", "median": "fixed"}
            changed[group][name] = flipped[value] if isinstance(value, str) else value * 0.9
    changed["carry"] |= {"base_settlements": 91, "base_min_settlements": 31}
    smc["ema_bonus"] = 7
    other = dict(leaves(rules_of(signals=changed)))
    same = {path for path in defaults if defaults[path] == other[path]}
    assert {path[0] for path in same} <= {"ltf", "htf", "htf2", "prime", "smc"}
    assert {path for path in same if path[0] == "smc"} == {("smc", "floor_gate")}


def test_the_session_floor_is_asked_only_where_it_applies_to_smc():
    assert rules_of().smc.floor_gate == 1
    assert rules_of(allocation={"sessions": {"floor_applies_to": []}}).smc.floor_gate == 0


def test_priming_can_be_switched_off():
    assert rules_of(data={"prime": False}).prime == 0
