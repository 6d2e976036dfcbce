"""The books of a run, kept a second time with exact fractions and nothing but what lies on the disk.

Imports nothing of ours. It reads a run's folder (``fills.parquet``, ``instruments.json``, ``config.toml``,
``summary.json``) and the recorded bars and funding rates that the run traded on, and says for every trade, every
funding payment and every minute of equity what the run's own tables should hold, to the atom (1e-8 quote).
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl

ATOMS = 100_000_000
MAKER = {"partial", "target"}
Row = dict[str, Any]


@dataclass
class Contract:
    tick: Fraction
    atoms: int  # value of one tick of one lot


class Books:
    """A run's folder and the recorded series beside it.

    Parameters
    ----------
    run, venue
        The folder of the run; the folder that holds ``1m/`` and ``funding/``.
    """

    def __init__(self, run: Path, venue: Path) -> None:
        self.config = tomllib.loads((run / "config.toml").read_text(), parse_float=Fraction)
        self.summary = json.loads((run / "summary.json").read_text())
        self.fills = _rows(run / "fills.parquet")
        self.run, self.venue = run, venue
        self.contracts: dict[str, Contract] = {}
        for symbol, told in json.loads((run / "instruments.json").read_text()).items():
            tick = Fraction(told["tick"])
            atoms = tick * Fraction(told["lot"]) * Fraction(told["multiplier"]) * ATOMS
            assert atoms.denominator == 1, "a tick of a lot is whole atoms"
            self.contracts[symbol] = Contract(tick, int(atoms))
        self.first_ms = self.summary["run"]["from_ms"] - self.summary["run"]["base_ms"]
        self.end_ms = self.summary["run"]["to_ms"]
        self.closes = {symbol: self._closes(symbol) for symbol in self.contracts}

    def _closes(self, symbol: str) -> dict[int, int]:
        """Close of every recorded bar of the run, by open time, in ticks. A mark is the newest of them."""
        tick = self.contracts[symbol].tick
        bars = pl.read_parquet(self.venue / "1m" / f"{symbol}-1m.parquet").select("ts", "close")
        bars = bars.filter(pl.col("ts") < self.end_ms, pl.col("ts") >= self.first_ms)
        out = {}
        for ts, close in bars.rows():
            ticks = Fraction(repr(close)) / tick
            assert ticks.denominator == 1, f"{symbol} {ts}: {close} is not on the grid of {tick}"
            out[ts] = int(ticks)
        return out

    def _mark_before(self, symbol: str, ms: int) -> int:
        """Close of the last bar that had closed by ``ms``, in ticks."""
        closes, base = self.closes[symbol], self.summary["run"]["base_ms"]
        at = ms // base * base - base
        while at not in closes:
            at -= base
        return closes[at]

    # ------------------------------------------------------------ what should be

    def fee(self, fill: Row) -> int:
        """Notional × rate, half-even."""
        costs = self.config["costs"]
        rate = costs["maker_fee"] if fill["reason"] in MAKER else costs["taker_fee"]
        if fill["reason"] == "liquidation":
            rate += costs["liquidation_fee"]
        return round(fill["px_ticks"] * fill["lots"] * self.contracts[fill["instrument"]].atoms * rate)

    def payments(self) -> list[Row]:
        """Rate × signed notional at the last mark, of the position before any fill of the settlement's bar."""
        out = []
        base = self.summary["run"]["base_ms"]
        for symbol, contract in self.contracts.items():
            recorded = pl.read_parquet(self.venue / "funding" / f"{symbol}-funding.parquet")
            for ts, rate in recorded.select("ts", "rate").rows():
                if not self.first_ms <= ts < self.end_ms:
                    continue
                held = [f for f in self.fills if f["instrument"] == symbol and f["ts_ms"] < ts // base * base]
                lots = sum(signed(f) for f in held)
                if lots == 0:
                    continue
                notional = self._mark_before(symbol, ts) * lots * contract.atoms
                paid = round(notional * Fraction(repr(rate)))
                out.append(
                    {"trade_id": held[-1]["trade_id"], "instrument": symbol, "ts_ms": ts, "atoms": paid}
                )
        return sorted(out, key=_payment_key)

    def trades(self) -> list[Row]:
        """Each trade from its own fills and payments: money in, money out."""
        paid: dict[int, int] = defaultdict(int)
        for payment in self.payments():
            paid[payment["trade_id"]] += payment["atoms"]
        fills: dict[int, list[Row]] = defaultdict(list)
        for fill in self.fills:
            fills[fill["trade_id"]].append(fill)
        return [self._trade(key, fills[key], paid[key]) for key in sorted(fills)]

    def _trade(self, trade_id: int, fills: list[Row], funding: int) -> Row:
        contract = self.contracts[fills[0]["instrument"]]
        assert sum(signed(fill) for fill in fills) == 0, f"the fills of trade {trade_id} leave lots open"
        gross = -sum(signed(fill) * fill["px_ticks"] for fill in fills) * contract.atoms
        fees = sum(self.fee(fill) for fill in fills)
        return {
            "trade_id": trade_id,
            "instrument": fills[0]["instrument"],
            "side": "long" if fills[0]["order_side"] == "buy" else "short",
            "opened_ms": fills[0]["ts_ms"],
            "closed_ms": fills[-1]["ts_ms"],
            "entry_px": float(fills[0]["px_ticks"] * contract.tick),
            "exit_px": float(fills[-1]["px_ticks"] * contract.tick),
            "gross_atoms": gross,
            "fees_atoms": fees,
            "funding_atoms": funding,
            "net_atoms": gross - fees - funding,
            "exit_reason": fills[-1]["reason"],
        }

    def transfers(self) -> list[tuple[int, int]]:
        """(moment, atoms) of every deposit and withdrawal that the run's settings ask for, in its window."""
        out = []
        for transfer in self.config["account"]["transfers"]:
            when = datetime.fromisoformat(transfer["at"])
            when = when if when.tzinfo else when.replace(tzinfo=UTC)
            out.append((round(when.timestamp() * 1000), int(transfer["amount"] * ATOMS)))
        return sorted(out)

    def equity(self) -> dict[int, int]:
        """Equity at every close: all money that moved so far, and the positions at their marks."""
        base = self.summary["run"]["base_ms"]
        flows: dict[int, int] = defaultdict(int)  # by open time of the bar
        moves: dict[int, list[Row]] = defaultdict(list)
        last = self.end_ms - base
        for fill in self.fills:
            contract, bar = self.contracts[fill["instrument"]], min(fill["ts_ms"], last)
            flows[bar] -= signed(fill) * fill["px_ticks"] * contract.atoms + self.fee(fill)
            moves[bar].append(fill)
        for payment in self.payments():
            flows[payment["ts_ms"] // base * base] -= payment["atoms"]
        for moment, amount in self.transfers():
            flows[-(-moment // base) * base] += amount
        cash, out = int(self.config["account"]["initial_equity"] * ATOMS), {}
        held, marks = dict.fromkeys(self.contracts, 0), dict.fromkeys(self.contracts, 0)
        for bar in range(self.first_ms, self.end_ms, base):
            cash += flows[bar]
            for fill in moves[bar]:
                held[fill["instrument"]] += signed(fill)
            value = 0
            for symbol, contract in self.contracts.items():
                marks[symbol] = self.closes[symbol].get(bar, marks[symbol])
                value += held[symbol] * marks[symbol] * contract.atoms
            out[bar + base] = cash + value
        return out

    # ------------------------------------------------------------ against what is

    def differences(self) -> list[str]:
        """Everything in which the run's tables are not these books. Empty: they agree to the atom."""
        out = [f"fill {f}: fee should be {self.fee(f)}" for f in self.fills if f["fee_atoms"] != self.fee(f)]
        told = sorted(_rows(self.run / "funding.parquet"), key=_payment_key)
        out += _unlike("payment", self.payments(), told)
        out += _unlike(
            "trade",
            self.trades(),
            sorted(_rows(self.run / "trades.parquet"), key=lambda row: row["trade_id"]),
        )
        curve = {row["ts_ms"]: row["equity_atoms"] for row in _rows(self.run / "equity.parquet")}
        kept = self.equity()
        wrong = [t for t in sorted(kept.keys() | curve.keys()) if kept.get(t) != curve.get(t)]
        out += [f"equity at {t} should be {kept.get(t)}, is {curve.get(t)}" for t in wrong[:5]]
        return out + self._cash()

    def _cash(self) -> list[str]:
        """The cash identity: first deposit + transfers + Σ net of the trades = last equity = the summary's."""
        first = int(self.config["account"]["initial_equity"] * ATOMS)
        moved = sum(amount for _, amount in self.transfers())
        expected = first + moved + sum(trade["net_atoms"] for trade in self.trades())
        money = self.summary["money"]
        last = _rows(self.run / "equity.parquet")[-1]
        told = {
            "final_atoms of the summary": money["final_atoms"],
            "last equity": last["equity_atoms"],
            "last balance": last["balance_atoms"],
        }
        out = [
            f"{name} should be {expected}, is {value}" for name, value in told.items() if value != expected
        ]
        if money["transferred_atoms"] != moved:
            out.append(f"transferred_atoms should be {moved}, is {money['transferred_atoms']}")
        return out


def signed(fill: Row) -> int:
    return fill["lots"] if fill["order_side"] == "buy" else -fill["lots"]


def _payment_key(row: Row) -> tuple[int, str]:
    return row["ts_ms"], row["instrument"]


def _rows(path: Path) -> list[Row]:
    return pl.read_parquet(path).to_dicts()


def _unlike(what: str, expected: list[Row], told: list[Row]) -> list[str]:
    if len(expected) != len(told):
        return [f"{len(expected)} {what}s expected, {len(told)} written"]
    out = []
    for right, is_ in zip(expected, told, strict=True):
        wrong = {name: (value, is_[name]) for name, value in right.items() if is_[name] != value}
        if wrong:
            out.append(f"{what} {right}: (should be, is) {wrong}")
    return out
