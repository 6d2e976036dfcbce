"""What must be true of the books of every run, exactly. A difference is a bug of ours and stops the run."""

from __future__ import annotations

from mastertrading.backtest.result import Result
from mastertrading.backtest.trade_statistics import total
from mastertrading.domain.errors import InvariantBroken


def check_books(result: Result) -> None:
    """Check the cash identity, sums of rows, flatness at the end and the told path, in atoms and lots.

    Raises
    ------
    InvariantBroken
        With the difference.
    """
    _check_trades(result)
    _check_cash(result)
    _check_rows(result)
    _check_flat(result)
    _check_path(result)


def _check_trades(result: Result) -> None:
    """Each trade: net = gross − fees − funding."""
    rows = result.trades
    wrong = rows["net_atoms"] != rows["gross_atoms"] - rows["fees_atoms"] - rows["funding_atoms"]
    if wrong.any():
        raise InvariantBroken(
            f"net is not gross - fees - funding in {int(wrong.sum())} trades",
            where=f"trade {int(rows['trade_id'][wrong][0])}",
        )


def _check_cash(result: Result) -> None:
    """Cash identity: initial + transferred + Σ(gross − fees − funding) = final balance."""
    expected = (
        int(result.initial_atoms)
        + int(result.account["transferred"][0])
        + total(result.trades["net_atoms"])
        + _open(result, "net_atoms")
        + result.unexplained_atoms
    )
    balance = int(result.account["balance"][0])
    if balance != expected:
        raise InvariantBroken(
            f"the cash identity is off by {balance - expected} atoms",
            why=f"deposits and closed trades give {expected}, the balance is {balance}",
            where=f"run {result.run_id}",
        )


def _check_rows(result: Result) -> None:
    """Fees of the fills and funding payments add up to those of the trades."""
    pairs = (
        ("fees", total(result.fills["fee_atoms"]), _all(result, "fees_atoms")),
        ("funding", total(result.payments["atoms"]), _all(result, "funding_atoms")),
    )
    for name, rows, trades in pairs:
        if rows != trades:
            raise InvariantBroken(
                f"{name} of the rows and of the trades differ by {rows - trades} atoms",
                why=f"the rows sum to {rows}, the trades to {trades}",
                where=f"run {result.run_id}",
            )


def _open(result: Result, name: str) -> int:
    """Sum of a column over the trades that are still open; a backtest has none."""
    return 0 if result.still_open is None else total(result.still_open[name])


def _all(result: Result, name: str) -> int:
    return total(result.trades[name]) + _open(result, name)


def _check_flat(result: Result) -> None:
    """The fills of an instrument sum to zero lots: nothing is left open, but what is told to be."""
    for index, instrument in enumerate(result.instruments):
        left = total(result.fills["lots"][result.fills["instrument"] == index])
        left -= 0 if result.held_lots is None else int(result.held_lots[index])
        if left != 0:
            raise InvariantBroken(
                f"the fills of {instrument.symbol} leave {left} lots at the end",
                why="a run closes every position with its last bar",
                where=f"run {result.run_id}",
            )


def _check_path(result: Result) -> None:
    """The net result told for the run's own path inside the bar is the run's net result."""
    path, net = result.settings.fills.path, total(result.trades["net_atoms"])
    told = result.path_range.get(path, net)
    if told != net:
        raise InvariantBroken(
            f"the result told for the path {path} is not the run's own",
            why=f"it says {told} atoms, the trades sum to {net}",
            where=f"run {result.run_id}",
        )
