"""The price paths of the synthetic market: drivers with regimes, several steps inside each minute.

Only + − × ÷, comparisons and running sums and products are used, and only uniform draws of PCG64, so that a seed
gives the same bytes on every machine (no exponential, logarithm or matrix product, whose last bit varies).

Model. One market factor and one driver per instrument; an instrument's return is ``beta × factor + own``. Each
driver moves through regimes (range, up, down, wild) that last hours to days. Its volatility wanders around the
regime's level, so quiet and wild times cluster; in a range it is pulled to where the range began, in a trend it
drifts. Jumps come at random. Time of day scales everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mastertrading.domain.market import F64, I64

DAY_MINUTES = 1440
BLOCK_MINUTES = 15
BLOCKS = DAY_MINUTES // BLOCK_MINUTES
STEPS = 8
"""Price steps inside a minute."""

UNIT = 12.0**0.5
"""Scales a centred uniform draw to a standard deviation of 1."""

HOURLY = (0.80, 0.80, 0.78, 0.75, 0.75, 0.78, 0.85, 0.95, 1.00, 0.98, 0.95, 1.00,
          1.15, 1.40, 1.50, 1.35, 1.20, 1.10, 1.05, 1.05, 1.00, 0.95, 0.90, 0.85)  # fmt: skip
"""Volatility by UTC hour: calm in Asia, busiest when New York opens."""

RANGE, UP, DOWN, WILD = range(4)
LEVEL = (0.75, 1.00, 1.05, 2.20)
"""Volatility to which each regime tends."""
SHORTEST, LONGEST = (48, 64, 64, 8), (240, 288, 256, 40)
"""Length of a regime in blocks of 15 minutes."""
NEXT = ((0.05, 0.45, 0.85), (0.55, 0.55, 0.85), (0.50, 0.80, 0.80), (0.40, 0.70, 1.00))
"""Row: regime that ends; a uniform draw below the k-th number starts regime k (else wild)."""

PULL = 0.06
DRIFT = 0.11
"""In a trend, drift per block as a fraction of the block's volatility."""
HOME = 0.0002
"""Weak pull of each driver to its start, so that a year stays in a plausible range."""
JUMP_CHANCE = 1.0 / 1800.0
"""A jump, per driver and minute."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """One day of minute bars before rounding, shape (1440, instruments); ``activity`` scales the volume."""

    open: F64
    high: F64
    low: F64
    close: F64
    activity: F64


class _Driver:
    """The slow state of one driver, advanced block by block."""

    __slots__ = ("away", "home", "left", "regime", "volatility")

    def __init__(self) -> None:
        self.regime = RANGE
        self.left = 40
        self.volatility = 1.0
        self.away = 0.0
        self.home = 0.0

    def advance(self, sigma: float, shock: float, u: list[float]) -> tuple[float, float]:
        """Volatility multiple and drift of the block that begins.

        ``sigma`` is the block's plain volatility, ``shock`` the sum of its unit shocks over the root of their
        number, ``u`` three uniform draws.
        """
        self.left -= 1
        if self.left <= 0:
            self._change(u[0], u[1])
        wander = 0.25 * (u[2] - 0.5)
        level = self.volatility + 0.08 * (LEVEL[self.regime] - self.volatility) + wander * self.volatility
        self.volatility = min(max(level, 0.35), 4.0)
        scale = sigma * self.volatility
        pull = -PULL * self.away if self.regime == RANGE else 0.0
        trend = DRIFT * scale * ((self.regime == UP) - (self.regime == DOWN))
        drift = pull + trend - HOME * self.home
        self.away += drift + scale * shock
        self.home += drift + scale * shock
        return self.volatility, drift

    def _change(self, pick: float, length: float) -> None:
        thresholds = NEXT[self.regime]
        self.regime = next((k for k, below in enumerate(thresholds) if pick < below), WILD)
        shortest, longest = SHORTEST[self.regime], LONGEST[self.regime]
        self.left = shortest + int(length * (longest - shortest))
        self.away = 0.0


def days(prices: F64, beta: F64, sigma: F64, seed: int, count: int) -> Iterator[Minutes]:
    """Minute bars of ``count`` days, one day at a time.

    Parameters
    ----------
    prices
        First price of each instrument.
    beta
        Share of the market factor in each instrument's return.
    sigma
        Volatility per minute: of the market factor, then of each instrument's own driver.
    seed
        The same seed gives the same first days, however many are asked for.
    """
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 1))))
    drivers = [_Driver() for _ in sigma]
    season = np.repeat(np.array(HOURLY), 60)
    last = prices.copy()
    for _ in range(count):
        moves, activity = _moves(random, drivers, sigma, season)
        returns = moves[:, 1:] + beta * moves[:, :1]
        path = last * np.cumprod(1.0 + returns, axis=0)
        last = path[-1].copy()
        points = path.reshape(DAY_MINUTES, STEPS, len(prices))
        yield Minutes(
            points[:, 0],
            points.max(axis=1),
            points.min(axis=1),
            points[:, -1],
            0.5 * (activity[:, 1:] + activity[:, :1]),
        )


def _moves(random: np.random.Generator, drivers: list[_Driver], sigma: F64, season: F64) -> tuple[F64, F64]:
    """Returns of each driver at each step of a day, and how busy each minute is."""
    count = len(drivers)
    shocks = (random.random((DAY_MINUTES, STEPS, count)) - 0.5) * (UNIT / STEPS**0.5)
    choices = random.random((BLOCKS, count, 3)).tolist()
    jump = random.random((DAY_MINUTES, count, 2))
    shocks *= season[:, None, None]
    sums = np.cumsum(shocks.reshape(BLOCKS, BLOCK_MINUTES * STEPS, count), axis=1)[:, -1]
    blocks = (sums / BLOCK_MINUTES**0.5).tolist()
    plain = (sigma * BLOCK_MINUTES**0.5).tolist()
    volatility, drift = np.empty((BLOCKS, count)), np.empty((BLOCKS, count))
    for b in range(BLOCKS):
        for k, driver in enumerate(drivers):
            volatility[b, k], drift[b, k] = driver.advance(plain[k], blocks[b][k], choices[b][k])
    per_minute = np.repeat(volatility, BLOCK_MINUTES, axis=0)
    moves = shocks * (sigma * per_minute)[:, None, :]
    moves += (np.repeat(drift, BLOCK_MINUTES, axis=0) / (BLOCK_MINUTES * STEPS))[:, None, :]
    size = _jumps(jump) * sigma
    moves[:, STEPS // 2] += size
    busy = per_minute * season[:, None] + 0.15 * np.abs(size) / sigma
    return moves.reshape(DAY_MINUTES * STEPS, count), busy


def _jumps(draws: F64) -> F64:
    """Jumps in multiples of a minute's volatility, mostly 0: sign at random, sizes 6 to 30, small ones oftener."""
    hit = draws[..., 0] < JUMP_CHANCE
    sign = np.where(draws[..., 0] < 0.5 * JUMP_CHANCE, -1.0, 1.0)
    return np.where(hit, sign * (3.0 + 3.0 / (draws[..., 1] + 0.111)), 0.0)


def funding_rates(close: F64, at: I64, share: F64, noise: F64) -> F64:
    """Funding that follows the move of the last day, calm at exactly 0.0001 per 8 h, now and then extreme.

    Per 8 h, rate = premium + clamp(0.0001 − premium, ±0.0005), which is Binance's formula; the premium is smoothed.

    Parameters
    ----------
    close
        Minute closes of one instrument.
    at
        Index of the minute that opens when each rate is charged; only closes before it are used.
    share
        Length of the interval that each rate pays for, as a share of 8 h.
    noise
        Two uniform draws a settlement.
    """
    now, before = close[at - 1], close[np.maximum(at - 1 - DAY_MINUTES, 0)]
    pushed = ((now / before - 1.0) * 0.019).tolist()
    premium, rates = 0.0, np.empty(len(at))
    for i, (drawn, chance) in enumerate(noise.tolist()):
        premium = 0.6 * premium + 0.4 * pushed[i] + 0.0005 * (drawn - 0.45)
        wished = premium * (4.0 if chance < 0.02 else 1.0)
        rate = wished + min(max(0.0001 - wished, -0.0005), 0.0005)
        rates[i] = min(max(rate, -0.02), 0.02)
    return np.rint(rates * share * 1e8) / 1e8
