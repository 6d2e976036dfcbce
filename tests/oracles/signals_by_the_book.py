"""DEFINITIONS sections 1, 2, 3 and 10 once more, slowly, in plain Python with the default numbers.

Shares no code with the project: lists instead of records, both halves of every mirrored rule written out. Only
useful as something to compare with.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

MINUTE, HOUR = 60_000, 3_600_000


@dataclass
class Candle:
    ts: int
    open: float
    high: float
    low: float
    close: float


# ------------------------------------------------------------------ indicators


def ema_next(previous: list[float | None], closes: list[float], period: int, close: float) -> float | None:
    """EMA after `close`, where `previous` are the EMAs at `closes`."""
    if previous and previous[-1] is not None:
        alpha = 2 / (period + 1)
        return previous[-1] + alpha * (close - previous[-1])
    if len(closes) + 1 < period:
        return None
    return sum([*closes, close][-period:]) / period


def wilder_next(
    previous: list[float | None], raw: list[float], value: float, period: int = 14
) -> float | None:
    if previous and previous[-1] is not None:
        return (previous[-1] * (period - 1) + value) / period
    if len(raw) + 1 < period:
        return None
    return sum([*raw, value][-period:]) / period


@dataclass
class Row:
    candle: Candle
    ema20: float | None = None
    ema50: float | None = None
    atr: float | None = None
    adx: float | None = None


@dataclass
class Timeframe:
    """Finished bars of one length with every indicator value beside them."""

    length: int
    rows: list[Row] = field(default_factory=list)
    closes: list[float] = field(default_factory=list)
    ema20s: list[float | None] = field(default_factory=list)
    ema50s: list[float | None] = field(default_factory=list)
    moves: dict[str, list[float]] = field(default_factory=lambda: {"tr": [], "+": [], "-": [], "dx": []})
    smooth: dict[str, list[float | None]] = field(
        default_factory=lambda: {"tr": [], "+": [], "-": [], "dx": []}
    )
    forming: Candle | None = None
    base_start: int | None = None

    def row_for(self, c: Candle, keep: bool) -> Row:
        """The row of `c` as the next bar; kept only if it is finished."""
        row = Row(c)
        row.ema20 = ema_next(self.ema20s, self.closes, 20, c.close)
        row.ema50 = ema_next(self.ema50s, self.closes, 50, c.close)
        raw: dict[str, float] = {}
        new: dict[str, float | None] = {}
        if self.rows:
            p = self.rows[-1].candle
            raw["tr"] = max(c.high - c.low, abs(c.high - p.close), abs(c.low - p.close))
            up, down = c.high - p.high, p.low - c.low
            raw["+"] = up if up > 0 and up > down else 0.0
            raw["-"] = down if down > 0 and down > up else 0.0
            for name in ("tr", "+", "-"):
                new[name] = wilder_next(self.smooth[name], self.moves[name], raw[name])
            row.atr = new["tr"]
            if row.atr is not None:
                di_up = 100 * new["+"] / row.atr if row.atr else 0.0
                di_down = 100 * new["-"] / row.atr if row.atr else 0.0
                total = di_up + di_down
                raw["dx"] = 100 * abs(di_up - di_down) / total if total else 0.0
                row.adx = new["dx"] = wilder_next(self.smooth["dx"], self.moves["dx"], raw["dx"])
        if keep:
            self.rows.append(row)
            self.closes.append(c.close)
            self.ema20s.append(row.ema20)
            self.ema50s.append(row.ema50)
            for name, value in raw.items():
                self.moves[name].append(value)
                self.smooth[name].append(new[name])
        return row

    def take(self, ts: int, candle: Candle | None) -> bool:
        """One minute of the grid; True if a bar finished."""
        start = ts // self.length * self.length
        if self.forming is not None and self.forming.ts != start:
            self.forming = None
        if candle is not None:
            if self.base_start is None:
                self.base_start = ts
            if start >= self.base_start:
                f = self.forming
                if f is None:
                    self.forming = Candle(start, candle.open, candle.high, candle.low, candle.close)
                else:
                    f.high, f.low, f.close = max(f.high, candle.high), min(f.low, candle.low), candle.close
        if ts + MINUTE == start + self.length and self.forming is not None:
            self.row_for(self.forming, keep=True)
            self.forming = None
            return True
        return False

    def newest(self, forming: bool) -> Row:
        if forming and self.forming is not None:
            return self.row_for(self.forming, keep=False)
        return self.rows[-1]


def direction_of(row: Row) -> int:
    if row.candle.close > row.ema50 and row.ema20 > row.ema50:
        return 1
    if row.candle.close < row.ema50 and row.ema20 < row.ema50:
        return -1
    return 0


# ------------------------------------------------------------------ structure


@dataclass
class Zone:
    bottom: float
    top: float
    at: int


class Structure:
    """Section 3.1: events at the close of each finished LTF bar, in their order."""

    def __init__(self) -> None:
        self.high: float | None = None
        self.low: float | None = None
        self.state = 0
        self.breaks: list[tuple[int, int, str]] = []  # bar, direction, kind
        self.choch: tuple[int, int, int | None] | None = None  # bar, direction, sweep_at
        self.low_pools: list[float] = []
        self.high_pools: list[float] = []
        self.sweeps: dict[int, list[int]] = {1: [], -1: []}
        self.gaps: dict[int, list[Zone]] = {1: [], -1: []}
        self.blocks: dict[int, Zone | None] = {1: None, -1: None}

    def close_bar(self, rows: list[Row]) -> None:
        i = len(rows) - 1
        broke = self._break(i, rows[i].candle)
        self._sweep(i, rows[i])
        if broke and self.breaks[-1][2] == "CHoCH":
            found = self.sweeps[broke]
            self.choch = (i, broke, found[-1] if found else None)
        self._gaps(i, rows)
        self._blocks(i, rows, broke)
        self._swings(i, rows)

    def _break(self, i: int, c: Candle) -> int:
        up = self.high is not None and c.close > self.high
        down = self.low is not None and c.close < self.low
        if up:
            self.high = None
        if down:
            self.low = None
        if up and not down:
            self.breaks.append((i, 1, "CHoCH" if self.state == -1 else "BOS"))
            self.state = 1
            return 1
        if down and not up:
            self.breaks.append((i, -1, "CHoCH" if self.state == 1 else "BOS"))
            self.state = -1
            return -1
        return 0

    def _sweep(self, i: int, row: Row) -> None:
        c, atr = row.candle, row.atr
        for p in list(self.low_pools):
            if c.close < p:
                self.low_pools.remove(p)
            elif atr is not None and c.low < p - 0.05 * atr and c.close > p:
                self.low_pools.remove(p)
                if i not in self.sweeps[1]:
                    self.sweeps[1].append(i)
        for p in list(self.high_pools):
            if c.close > p:
                self.high_pools.remove(p)
            elif atr is not None and c.high > p + 0.05 * atr and c.close < p:
                self.high_pools.remove(p)
                if i not in self.sweeps[-1]:
                    self.sweeps[-1].append(i)

    def _gaps(self, i: int, rows: list[Row]) -> None:
        c = rows[i].candle
        self.gaps[1] = [z for z in self.gaps[1] if c.low > z.bottom and i - z.at < 48]
        self.gaps[-1] = [z for z in self.gaps[-1] if c.high < z.top and i - z.at < 48]
        if i < 2 or rows[i - 1].atr is None:
            return
        before, middle, atr = rows[i - 2].candle, rows[i - 1].candle, rows[i - 1].atr
        if c.low > before.high and c.low - before.high >= 0.1 * atr and middle.close > middle.open:
            self.gaps[1] = [*self.gaps[1], Zone(before.high, c.low, i)][-3:]
        if c.high < before.low and before.low - c.high >= 0.1 * atr and middle.close < middle.open:
            self.gaps[-1] = [*self.gaps[-1], Zone(c.high, before.low, i)][-3:]

    def _blocks(self, i: int, rows: list[Row], broke: int) -> None:
        c = rows[i].candle
        for d in (1, -1):
            z = self.blocks[d]
            beyond = z is not None and (c.close < z.bottom if d == 1 else c.close > z.top)
            if z is not None and (beyond or i - z.at >= 96):
                self.blocks[d] = None
        if not broke or rows[i].atr is None:
            return
        for j in range(i - 1, max(-1, i - 11), -1):
            b = rows[j].candle
            if broke == 1 and b.close < b.open:
                if c.close - b.low >= 1.5 * rows[i].atr:
                    self.blocks[1] = Zone(b.low, b.high, i)
                return
            if broke == -1 and b.close > b.open:
                if b.high - c.close >= 1.5 * rows[i].atr:
                    self.blocks[-1] = Zone(b.low, b.high, i)
                return

    def _swings(self, i: int, rows: list[Row]) -> None:
        p = i - 3
        if p < 3:
            return
        c = rows[p].candle
        before = [r.candle for r in rows[p - 3 : p]]
        after = [r.candle for r in rows[p + 1 : p + 4]]
        if all(c.high > b.high for b in before) and all(c.high >= a.high for a in after):
            self.high = c.high
            self.high_pools = [*self.high_pools, c.high][-6:]
        if all(c.low < b.low for b in before) and all(c.low <= a.low for a in after):
            self.low = c.low
            self.low_pools = [*self.low_pools, c.low][-6:]


# ------------------------------------------------------------------ the four modules


@dataclass
class Opinion:
    """What a module says of one minute; `refused` names the first gate that said no."""

    direction: int = 0
    score: float = 0.0
    refused: str = ""
    confluence: bool = False


class Instrument:
    """Everything known of one instrument, minute by minute. Views: LTF forming, HTF and HTF2 closed."""

    def __init__(self, hours: list[Candle], settlements: list[tuple[int, float, int]]) -> None:
        self.ltf, self.htf, self.htf2 = Timeframe(5 * MINUTE), Timeframe(HOUR), Timeframe(4 * HOUR)
        self.structure = Structure()
        self.settlements = settlements
        self.charged: list[float] = []
        self.last: tuple[int, float, int] | None = None
        for hour in hours:
            self.htf.row_for(hour, keep=True)
        by_ts = {h.ts: h for h in hours}
        for hour in hours:
            parts = [by_ts.get(hour.ts + k * HOUR) for k in range(4)]
            if hour.ts % (4 * HOUR) == 0 and all(parts):
                high, low = max(p.high for p in parts), min(p.low for p in parts)
                self.htf2.row_for(Candle(hour.ts, hour.open, high, low, parts[3].close), keep=True)

    def minute(self, ts: int, candle: Candle | None, floor: float, risk: float) -> dict[str, Opinion]:
        """Take the minute that opens at `ts` in; opinions at its close."""
        t = ts + MINUTE
        if self.ltf.take(ts, candle):
            self.structure.close_bar(self.ltf.rows)
        self.htf.take(ts, candle)
        self.htf2.take(ts, candle)
        while self.settlements and self.settlements[0][0] <= t:
            when, rate, interval = self.settlements.pop(0)
            self.last = (when, rate * 8 * HOUR / interval, interval)
            self.charged.append(abs(self.last[1]))
        if candle is None:
            return {m: Opinion(refused="valid_bar") for m in ("trend", "meanrev", "carry")} | {
                "smc": Opinion(refused="data")
            }
        warm = len(self.ltf.rows) >= 120 and len(self.htf.rows) >= 100
        if not warm:
            return {m: Opinion(refused="warm_up") for m in ("trend", "meanrev", "carry")} | {
                "smc": Opinion(refused="data")
            }
        self.now = self.ltf.newest(forming=True)
        rows = [r for r in self.ltf.rows[-80:] if r is not self.now]
        self.recent = [*rows, self.now]
        self.hour, self.four = self.htf.rows[-1], self.htf2.rows[-1] if self.htf2.rows else None
        return {
            "trend": self._trend(),
            "meanrev": self._meanrev(),
            "carry": self._carry(t),
            "smc": self._smc(t, floor, risk),
        }

    # guards

    def _impulse(self) -> int:
        c = self.now.candle
        bodies = [abs(r.candle.close - r.candle.open) for r in self.recent[-21:-1]]
        if abs(c.close - c.open) > 2.2 * (sum(bodies) / 20):
            return 1 if c.close > c.open else -1
        return 0

    def _from_high(self) -> float:
        top = max(r.candle.high for r in self.recent[-12:])
        return (top - self.now.candle.close) / top

    def _from_low(self) -> float:
        bottom = min(r.candle.low for r in self.recent[-12:])
        return (self.now.candle.close - bottom) / bottom

    def _z(self) -> tuple[float, float]:
        xs = [r.candle.close - r.ema20 for r in self.recent[-60:]]
        centre = sum(xs) / 60
        std = math.sqrt(sum((x - centre) ** 2 for x in xs) / 60)
        return ((xs[-1] - centre) / std if std else 0.0), std

    # modules

    def _trend(self) -> Opinion:
        close, fast, slow = self.now.candle.close, self.hour.ema20, self.hour.ema50
        d = 1 if close > fast > slow else -1 if close < fast < slow else 0
        if d == 0:
            return Opinion(refused="direction")
        if self.now.adx < 20:
            return Opinion(refused="ltf_adx")
        if self.hour.adx < 18:
            return Opinion(refused="htf_adx")
        if self._impulse():
            return Opinion(refused="impulse")
        if (self._from_high() if d == 1 else self._from_low()) > 0.005:
            return Opinion(refused="bounce")
        gap = abs(fast - slow) / close
        return Opinion(d, 0.5 + min(0.35, gap * 35) + min(0.15, (self.now.adx - 20) / 100))

    def _meanrev(self) -> Opinion:
        z, std = self._z()
        d = -1 if z > 0 else 1
        if std == 0 or abs(z) < 1.2:
            return Opinion(refused="stretch")
        if self.hour.adx > 18:
            return Opinion(refused="htf_adx")
        if self._impulse() == -d:
            return Opinion(refused="impulse")
        if (self._from_low() if d == 1 else self._from_high()) > 0.005:
            return Opinion(refused="bounce")
        return Opinion(d, min(1.0, abs(z) / 2.5))

    def _funding(self, t: int) -> float | None:
        if self.last is None or t - self.last[0] > 1.5 * self.last[2]:
            return None
        return self.last[1]

    def _carry(self, t: int) -> Opinion:
        f = self._funding(t)
        if f is None:
            return Opinion(refused="funding_known")
        usual = 0.0001
        if len(self.charged) >= 30:
            usual = min(0.0001, max(0.00005, statistics.median(self.charged[-90:])))
        threshold = 1.8 * usual
        if abs(f) < threshold:
            return Opinion(refused="extreme")
        atr_frac = self.hour.atr / self.hour.candle.close
        if atr_frac >= 0.02:
            return Opinion(refused="volatility")
        z, std = self._z()
        if std == 0:
            return Opinion(refused="std_zero")
        d = -1 if f > 0 else 1
        hint = 0.1 if d * z <= -1 else -0.1 if d * z >= 1 else 0.0
        return Opinion(d, min(1.0, max(0.05, abs(f) / threshold - 0.5 * min(1.0, atr_frac / 0.02) + hint)))

    def _smc(self, t: int, floor: float, risk: float) -> Opinion:
        if self.four is None or len(self.htf2.rows) < 60:
            return Opinion(refused="data")
        d = direction_of(self.hour)
        verdicts = {"session": risk > 0, "htf_trend": d != 0}
        if d != 0:
            verdicts |= self._smc_gates(t, d)
            points, zones = self._smc_score(t, d)
            verdicts["score"] = points >= round(floor * 100)
        first = next((name for name, ok in verdicts.items() if not ok), "")
        return Opinion(refused=first) if first else Opinion(d, points / 100, confluence=zones > 0)

    def _smc_gates(self, t: int, d: int) -> dict[str, bool]:
        s, i, now = self.structure, len(self.ltf.rows) - 1, self.now
        last = self.ltf.rows[-1].candle
        choch_ok = s.choch is not None and i - s.choch[0] < 24
        sweeps = s.sweeps[1] + s.sweeps[-1]
        middle = (last.high + last.low) / 2
        f = self._funding(t)
        return {
            "htf2": direction_of(self.four) != -d,
            "choch": choch_ok,
            "sweep": bool(sweeps) and i - max(sweeps) < 36,
            "confluence": choch_ok and s.choch[1] == d and s.choch[2] is not None and i - s.choch[2] < 36,
            "ema50": now.candle.close > now.ema50 if d == 1 else now.candle.close < now.ema50,
            "adx": now.adx >= 18,
            "candle": (last.close > last.open and last.close >= middle)
            if d == 1
            else (last.close < last.open and last.close <= middle),
            "impulse": self._impulse() == 0,
            "funding": f is None or d * f <= 0.0005,
        }

    def _smc_score(self, t: int, d: int) -> tuple[int, int]:
        s, i, now = self.structure, len(self.ltf.rows) - 1, self.now
        points = {1: 20, 0: 10}.get(d * direction_of(self.four), 0)
        ours = [b for b, way, _ in s.breaks if way == d]
        if ours and i - ours[-1] < 12:
            points += 20
        elif s.state == d:
            points += 10
        if s.choch is not None and s.choch[1] == d:
            at, _, swept = s.choch
            if swept is not None:
                points += 20 if i - swept < 18 else 10 if i - swept < 36 else 0
            points += 5 if i - at < 6 else 0
        points += 5 if self._candle_term(d) else 0
        zones = 0
        if any(self._near(z, d) for z in s.gaps[d]):
            zones += 10
        if s.blocks[d] is not None and self._near(s.blocks[d], d):
            zones += 10
        f = self._funding(t)
        if f is not None:
            points += 10 if d * f <= 0 else 5 if d * f <= 0.0001 else 0
        points += 5 if now.adx >= 25 else 0
        checks = (now.ema20 - now.ema50) * d, (now.candle.close - self.hour.ema20) * d
        if checks[0] > 0 and checks[1] > 0:
            points += 6
        if checks[0] < 0 and checks[1] < 0:
            points -= 10
        return min(100, max(0, points + zones)), zones

    def _near(self, z: Zone, d: int) -> bool:
        close, atr = self.now.candle.close, self.now.atr
        if d == 1:
            return z.bottom <= close <= z.top + atr
        return z.bottom - atr <= close <= z.top

    def _candle_term(self, d: int) -> bool:
        before, last = self.ltf.rows[-2].candle, self.ltf.rows[-1].candle
        size, previous = abs(last.close - last.open), abs(before.close - before.open)
        if d == 1:
            engulfs = before.close < before.open and size >= previous and last.close > before.open
            wick = min(last.open, last.close) - last.low
        else:
            engulfs = before.close > before.open and size >= previous and last.close < before.open
            wick = last.high - max(last.open, last.close)
        return engulfs or (size > 0 and wick >= 2 * size)
