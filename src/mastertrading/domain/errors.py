"""Every error that mastertrading raises on purpose, as one tree.

::

    MastertradingError                exit code 1
    ├── UsageError                    2   the command line was used wrongly
    ├── ConfigError                   2   a setting is unknown, misspelt, out of range or contradictory
    │   └── SignalError               2   a user's own signal is not there, not a signal, or it failed
    ├── DataError                     1   market data cannot be used
    │   ├── DataMissing               1   an instrument, a file or a window is not there
    │   └── DataUnreadable            1   a file is not what its name says, or is damaged
    ├── ExchangeUnavailable           1   an exchange did not give what was asked for, also after several tries
    ├── ExchangeRefused               1   an exchange said that it will not answer
    ├── OutputError                   1   results cannot be written (nothing half-written is left)
    ├── SafetyBlocked                 3   a safety rule forbids the action
    │   ├── JournalUnusable           3   the journal cannot be written or trusted: then nothing may be sent
    │   └── LeaseLost                 3   another process may write this account's journal
    ├── ValidationFailed              4   a validation gate said no
    ├── NotRunning                    5   there is no process to speak to
    └── InvariantBroken               1   a bug of ours: the books do not balance

A *refusal* (a gate that says no to an entry) is not an error: it is a value, see ``domain.reasons``.
"""

from __future__ import annotations


class MastertradingError(Exception):
    """Base of the tree.

    Parameters
    ----------
    what
        What happened, in one sentence.
    why
        The cause, with the offending value.
    where
        File, line or setting to change.
    hint
        A command to try.
    """

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.where, self.hint = what, why, where, hint

    def __str__(self) -> str:
        """One line for each part that is known."""
        parts = (("", self.what), ("why: ", self.why), ("where: ", self.where), ("try: ", self.hint))
        return "\n".join(label + text for label, text in parts if text)


class UsageError(MastertradingError):
    """The command line was used wrongly."""

    exit_code = 2


class ConfigError(MastertradingError):
    """A setting is unknown, misspelt, out of range or contradicts another."""

    exit_code = 2


class SignalError(ConfigError):
    """A user's own signal cannot be used: it is not there, not a signal, or it failed."""


class DataError(MastertradingError):
    """Market data cannot be used as it is."""


class DataMissing(DataError):
    """An instrument, a file or a time window is not there."""


class DataUnreadable(DataError):
    """A file is not what its name says, or is damaged."""


class ExchangeUnavailable(MastertradingError):
    """An exchange did not give what was asked for, also after several tries."""


class ExchangeRefused(MastertradingError):
    """An exchange said that it will not answer this question."""


class OutputError(MastertradingError):
    """Results cannot be written; nothing half-written is left behind."""


class SafetyBlocked(MastertradingError):
    """A safety rule forbids the action."""

    exit_code = 3


class JournalUnusable(SafetyBlocked):
    """The journal cannot be written or trusted; without it nothing may be sent."""


class LeaseLost(SafetyBlocked):
    """Another process may have the right to write: this one stops."""


class ValidationFailed(MastertradingError):
    """A validation gate said no."""

    exit_code = 4


class NotRunning(MastertradingError):
    """There is no running process to speak to."""

    exit_code = 5


class InvariantBroken(MastertradingError):
    """A bug of ours: an identity that must hold does not."""
