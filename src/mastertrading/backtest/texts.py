"""The words of the tables, in one place so that they can be translated, and the way numbers are written.

``app`` hands its translator to the tables; a sentence is translated first and filled in afterwards.
"""

from __future__ import annotations

from datetime import UTC, datetime

from mastertrading.domain.instrument import ATOMS_PER_UNIT

NONE = "–"

TITLES = {
    "instrument": "Instruments",
    "combination": "Modules that entered together",
    "reason": "Close reasons",
    "direction": "Directions",
    "session": "Sessions of the entry (UTC)",
    "module": "Modules (a trade counts for each that voted)",
    "trades": "Trades",
    "day": "Days",
    "month": "Months",
    "summary": "Summary",
    "costs": "Costs",
    "path": "What the result rests on",
    "fires": "Fire rates: decisions with a direction",
    "funnel": "Entry funnel",
    "module_gates": "Gates of the modules",
    "events": "Breakers, liquidations and transfers",
    "identity": "This run",
}

HEADERS = {
    "trades": "Trades",
    "mean": "Mean %",
    "net": "Net USDT",
    "net_frac": "Net %",
    "r": "Mean R",
    "factor": "Factor",
    "duration": "Mean time",
    "wins": "Win",
    "draws": "Draw",
    "losses": "Loss",
    "win_rate": "Win %",
    "change": "Equity change USDT",
    "return": "Return %",
    "value": "Value",
    "usdt": "USDT",
    "share_equity": "% of start",
    "per_trade": "Per trade",
    "decisions": "Decisions",
    "long": "long",
    "short": "short",
    "gate": "Gate",
    "stage": "Module",
    "asked": "Asked",
    "passed": "Passed",
    "pass_rate": "Pass %",
    "refused": "Refused first",
    "refused_share": "% of all",
    "time": "Time (UTC)",
    "event": "Event",
    "subject": "Subject",
    "stage_now": "Stage",
    "total": "TOTAL",
    "all": "all",
    "assumption": "Path inside the bar",
}

METRICS = {
    "from": "From",
    "to": "To",
    "days": "Days",
    "trades": "Trades / per day",
    "start": "Starting balance",
    "transferred": "Deposits − withdrawals",
    "final": "Final balance",
    "absolute": "Absolute result",
    "total": "Total return",
    "cagr": "CAGR",
    "sortino": "Sortino (daily × √365)",
    "sharpe": "Sharpe (daily × √365)",
    "calmar": "Calmar",
    "factor": "Profit factor",
    "payoff": "Payoff (mean win / mean loss)",
    "win_rate": "Win rate",
    "expectancy": "Expectancy a trade",
    "t": "t-statistic of the mean trade",
    "exposure": "Exposure mean / max",
    "in_market": "Time in market",
    "turnover": "Turnover / mean equity",
    "best_instrument": "Best instrument",
    "worst_instrument": "Worst instrument",
    "best_trade": "Best trade",
    "worst_trade": "Worst trade",
    "best_day": "Best day",
    "worst_day": "Worst day",
    "days_split": "Days win / draw / lose",
    "duration_win": "Mean time of winners",
    "duration_loss": "Mean time of losers",
    "duration": "Mean / median time of a trade",
    "runs": "Longest run of wins / losses",
    "partials": "Trades with a partial close",
    "refusals": "Refused entries (decisions)",
    "dropped": "Entries dropped at the open",
    "min_equity": "Lowest equity",
    "max_equity": "Highest equity",
    "drawdown": "Maximum drawdown",
    "drawdown_start": "Drawdown start",
    "drawdown_trough": "Drawdown trough",
    "drawdown_end": "Drawdown end",
    "drawdown_length": "Drawdown length",
    "under_water": "Longest / share under water",
    "market": "Market (equal weight)",
    "not_recovered": "not recovered",
}

COSTS = {
    "gross": "Gross (before costs)",
    "fees": "Fees",
    "funding": "Funding paid",
    "net": "Net",
    "slippage": "Slippage inside gross (estimate)",
}

PATHS = {
    "nearest_first": "Nearer extreme first",
    "best": "Best for us",
    "worst": "Worst for us",
    "range": "Worst to best",
    "costs_doubled": "Fees and slippage doubled",
    "not_run": "Not computed in this run",
}

NOTES = {
    "month": "Of the equity: open positions at their mark, transfers left out.",
    "summary": "From and To are closes of bars; the first decision is at the close of the first bar.",
    "ambiguous": "{count} of {trades} trades had a bar that reached both.",
    "unambiguous": "No bar of a trade reached both.",
}

IDENTITY = {
    "source": "Bars from",
    "grade": "Data grade",
    "run": "Run",
    "config": "Configuration",
    "data": "Data",
    "code": "Code",
    "seed": "Seed",
}

VERDICTS = {
    "no_signal": "No trade: the modules never wished an entry in this window.",
    "warming_up": "No trade: warm-up took the whole window. The modules need {length} of bars before they speak.",
    "no_trade": "No trade: once there was a wish, the gate that refused most often was {gate}, in {count} decisions.",
    "liquidated": "The account was liquidated {count} times: this is too much leverage or too wide a stop.",
    "too_few": "Too few trades to say anything: {trades}, and under {needed} luck decides.",
    "costs": "It earns before costs and loses after them: gross {gross}, costs {costs}, net {net} USDT.",
    "loses": "It loses before costs too: gross {gross}, net {net} USDT.",
    "flat": "It neither won nor lost: net {net} USDT.",
    "fragile": "Fragile: two trades made {share} of the profit of {net} USDT.",
    "path": "The profit depends on an assumption: on the worst path inside the bars it is {worst} USDT.",
    "noise": "It wins {net} USDT, but the mean trade is only {t} standard errors from zero: luck can do that.",
    "wins": "It wins {net} USDT after costs in this one window; test it out of sample before believing it.",
}


def money(atoms: float | None, places: int = 2) -> str:
    """Atoms as quote currency: ``-1,234.56``."""
    return NONE if atoms is None else _unsigned_zero(f"{atoms / ATOMS_PER_UNIT:,.{places}f}")


def percent(fraction: float | None, places: int = 2) -> str:
    """A fraction in per cent, without the sign: 0.0123 → ``1.23``."""
    return NONE if fraction is None else _unsigned_zero(f"{fraction * 100.0:,.{places}f}")


def number(value: float | None, places: int = 2) -> str:
    """A plain number."""
    return NONE if value is None else _unsigned_zero(f"{value:,.{places}f}")


def count(value: int) -> str:
    """A whole number with separators."""
    return f"{value:,d}"


def whole(value: float | None) -> str:
    """A count that was kept as a float."""
    return NONE if value is None else count(round(value))


def duration(ms: float | None) -> str:
    """A length of time: ``2d 03:15`` or ``3:15`` (hours and minutes)."""
    if ms is None:
        return NONE
    minutes = round(ms / 60_000.0)
    days, rest = divmod(minutes, 1440)
    clock = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{days}d {clock}" if days else clock


def moment(ms: int | None) -> str:
    """A UTC moment to the minute."""
    if ms is None:
        return NONE
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _unsigned_zero(text: str) -> str:
    """Write a number that rounds to zero without a minus sign."""
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text
