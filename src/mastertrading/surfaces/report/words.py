"""The words of the report that the tables on the terminal do not have; ``app`` hands in their translator."""

from __future__ import annotations

PAGE = {
    "language": "en",
    "title": "Backtest",
    "lived": "Account {account}",
    "lead": "{source} · {begin} to {end} · {days} days · {instruments} instruments",
    "lead_one": "{source} · {begin} to {end} · {days} days · {instrument}",
    "contents": "Contents",
    "theme": "Light or dark",
    "no_script": "Charts and the list of trades need JavaScript; everything else on this page is plain text.",
    "nothing": "No trade was made, so there is nothing to show here.",
    "colours": "Blue with + is long or gain, orange with − is short or loss.",
}

SECTIONS = {
    "equity": "Equity and drawdown",
    "doubt": "What the result hangs on",
    "costs": "From gross to net",
    "returns": "Returns",
    "groups": "Where it came from",
    "shape": "The shape of a trade",
    "trades": "Trade by trade",
    "funnel": "Why not more trades",
    "breakers": "Breakers, liquidations and transfers",
    "run": "This run",
    "config": "Configuration",
    "next": "How to go on",
}

FIGURES = {
    "net": "Net result",
    "net_note": "USDT after costs",
    "return": "Return",
    "return_note": "the market {market}",
    "drawdown": "Maximum drawdown",
    "drawdown_note": "{length} from the peak",
    "sharpe": "Sharpe",
    "sharpe_note": "Sortino {sortino}",
    "factor": "Profit factor",
    "factor_note": "payoff {payoff}",
    "win_rate": "Win rate",
    "win_rate_note": "{wins} of {trades}",
    "trades": "Number of trades",
    "trades_note": "{rate} a day",
    "expectancy": "Mean trade",
    "expectancy_note": "t = {t}",
    "market_time": "Time in market",
    "market_time_note": "exposure at most {exposure} × equity",
    "fees": "Fees",
    "fees_note": "funding paid {funding} USDT",
}

EQUITY = {
    "about": "Value of one unit of the account, without deposits and withdrawals; below it the distance from its peak.",
    "held": "Beside it: the same money spread evenly over the instruments at the start and left alone.",
    "thinned": "A long curve is thinned to a few thousand points; every low and high is kept.",
}

DOUBT = {
    "about": "Net result of the same run under other assumptions.",
    "as_run": "As run",
    "nearest_first": "Nearer extreme of a bar first",
    "best": "Best path inside the bars",
    "worst": "Worst path inside the bars",
    "costs_doubled": "Fees and slippage doubled",
    "without_two": "Without its two best trades",
    "market": "Market, equal weight, held",
}

COSTS = {
    "before": "Gross without slippage",
    "slippage": "Slippage",
    "estimate": "Slippage is an estimate: the setting times the notional of the market fills.",
    "per_trade": "Fees and funding are {amount} USDT a trade, {share} of the volume traded.",
}

RETURNS = {
    "months": "By month, in per cent",
    "days": "By day, in per cent",
    "year": "Year",
    "partial": "Open positions at their mark; the first and the last day may be parts of one.",
    "weekdays": "Mon Tue Wed Thu Fri Sat Sun",
    "month_names": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
}

GROUPS = {
    "instrument": "By instrument",
    "direction": "By direction",
    "reason": "By close reason",
    "module": "By module",
    "combination": "By modules together",
    "session": "By session of the entry",
    "weekday": "By weekday of the entry (UTC)",
    "hour": "By hour of the entry (UTC)",
    "module_note": "A trade counts for each module that voted for it.",
    "win": "Win %",
}

SHAPE = {
    "results": "Results in R",
    "results_note": "Net result of each trade over what it risked. Median {median} R, best {best} R, worst {worst} R.",
    "against": "Against us on the way",
    "against_note": "Farthest move against a trade (across) and its result (up), in R; larger ones at the edge.",
    "with": "With us on the way",
    "with_note": "Farthest move in favour of a trade (across) and its result (up), in R; larger ones at the edge.",
}

FUNNEL = {
    "about": "Of {decisions} decisions (an instrument at the close of a bar) so many were left after each gate.",
    "left": "Left",
    "refused": "Refused",
    "share": "of those asked",
    "silent": "Gates that refused nothing: {gates}.",
    "modules": "Inside the modules",
    "fires": "fires in {share} of its decisions: {long} long, {short} short",
    "holding": "in position already",
    "flat": "modules wish nothing",
}

BREAKERS = {
    "none": "No breaker tripped, nothing was liquidated, nothing was transferred.",
    "more": "{count} more",
}

RUN = {
    "signal": "Own signal",
    "quality": "Notes on the data",
    "clean": "Nothing was noted about the data.",
    "no_market": "Made without the bars: no candles and no market beside the equity. `{command}` adds them.",
    "candles_whole": "Candles: every bar of {finest}.",
    "candles_part": "Candles: every bar of {whole}; finer ones, down to {finest}, around trades.",
}

CONFIG = {
    "changed": "{count} settings differ from the defaults; they are marked ●.",
    "changed_one": "One setting differs from its default; it is marked ●.",
    "unchanged": "Every setting is at its default.",
    "show": "All settings",
    "default": "default {value}",
}

NEXT = {
    "why": "why an instrument did or did not trade at a minute",
    "trade": "the story of a trade, from its forecasts to its last fill",
    "summary": "how many minutes each gate refused",
    "diff": "where two runs part, and why",
    "report": "make this page anew",
    "where": "RUN is the folder of this page.",
}

SCRIPT = {
    "strategy": "Strategy",
    "market": "Market",
    "drawdown": "Drawdown",
    "equity": "Equity",
    "reset": "Everything",
    "zoom_in": "Zoom in",
    "zoom_out": "Zoom out",
    "earlier": "Earlier",
    "later": "Later",
    "keys": "Arrow keys move the line, + and − zoom, 0 shows everything; drag across to zoom.",
    "instrument": "Instrument",
    "all": "all",
    "side": "Side",
    "long": "long",
    "short": "short",
    "opened": "Opened (UTC)",
    "held": "Held",
    "entry": "Entry",
    "exit": "Exit",
    "reason": "Closed by",
    "modules": "Modules",
    "r": "R",
    "net": "Net USDT",
    "costs": "Costs",
    "page": "{from}–{to} of {count}",
    "previous": "Previous",
    "next": "Next",
    "open": "o",
    "high": "h",
    "low": "l",
    "close": "c",
    "stop": "stop",
    "bars": "bars of {length}",
    "no_bars": "No bars here.",
    "trade": "Trade {id}",
    "show_candles": "Show trade {id} on the candles",
    "legend": "▲ long entry  ▼ short entry  ○ partial  ✕ exit  ╌ stop",
    "results": "Results",
    "winners": "winners",
    "losers": "losers",
    "empty": "No trade fits.",
}
