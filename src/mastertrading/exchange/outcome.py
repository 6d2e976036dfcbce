"""What became of a command: ACK, REFUSED or UNKNOWN, by the venue's exact code and by nothing softer.

The class of an exception says too little: ccxt raises ``ExchangeError`` for a truncated reply to an order that was
accepted, raises nothing for a 200 with an empty body, and gives refusals and time-outs of one venue the same class.
So only two things end a doubt: a parsed reply that names the order, or a code on the venue's list of refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mastertrading.domain.commands import Outcome, Refusal, Reply
from mastertrading.domain.errors import ExchangeUnavailable
from mastertrading.domain.orders import Order

NEVER_CONNECTED = ("ClientConnectorError", "ConnectionTimeoutError", "ClientConnectorCertificateError")
"""Errors of aiohttp that are raised before a connection exists."""
SENT_ONCE = ("POST", "PUT")
"""aiohttp repeats GET and DELETE by itself when a kept connection turns out dead, so that *their* failure to connect
says nothing of the first try."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, before anybody judged it.

    Attributes
    ----------
    status
        HTTP status; 0: no whole reply arrived.
    headers
        Names in small letters.
    parsed
        The body as JSON; None if it is none.
    begun
        The request was handed to the network. False: nothing can have been sent.
    error
        What was raised instead of (or besides) a reply. Its text may hold a signed address and is never shown.
    """

    method: str = "POST"
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = field(default="", repr=False)
    parsed: Any = None
    begun: bool = True
    error: BaseException | None = field(default=None, repr=False)
    sent_ms: int = 0
    received_ms: int = 0

    @property
    def not_sent(self) -> bool:
        """Whether it is certain that no byte of the request left."""
        if not self.begun:
            return True
        if self.status or self.method not in SENT_ONCE:
            return False
        return any(_is_named(error, NEVER_CONNECTED) for error in _chain(self.error))


@dataclass(frozen=True, slots=True)
class Codes:
    """The numbers of one venue, as its documents list them.

    Attributes
    ----------
    refusals
        Codes after which the command certainly did nothing. What is not here is UNKNOWN.
    duplicates
        The client id is taken: the order exists.
    no_change
        The setting was so already.
    not_found
        A question after an order was understood, and there is none.
    code_of
        The code of a parsed reply; empty where it reports success or nothing.
    believed
        HTTP statuses at which a code counts as the venue's own word.
    phrases
        Of a code that serves for many things: phrase of its sentence → better word. It never decides the outcome.
    """

    refusals: Mapping[str, Refusal]
    duplicates: frozenset[str]
    no_change: frozenset[str]
    not_found: frozenset[str]
    code_of: Callable[[Any], str]
    believed: Callable[[int], bool]
    phrases: Mapping[str, tuple[tuple[str, Refusal], ...]] = field(default_factory=dict)

    def word(self, code: str, sentence: str) -> Refusal:
        """Our word for a code on the list of refusals."""
        better = (word for phrase, word in self.phrases.get(code, ()) if phrase in sentence.lower())
        return next(better, self.refusals[code])


def judged(answer: Answer, codes: Codes, read: Callable[[Any], Order | None]) -> Reply:
    """The outcome of a command that names an order.

    Parameters
    ----------
    read
        The order of a parsed reply: it raises ``ExchangeUnavailable`` or gives None if the reply does not name
        the order *and* our client id.
    """
    code = codes.code_of(answer.parsed)
    if answer.status == 200 and not code:
        try:
            order = read(answer.parsed)
        except ExchangeUnavailable as error:
            return _reply(answer, Outcome.UNKNOWN, detail=f"HTTP 200, and {error.what}")
        if order is None or not order.order_id:
            return _reply(answer, Outcome.UNKNOWN, detail="HTTP 200 without the order that was sent")
        return _reply(answer, Outcome.ACK, order=order)
    return _without_order(answer, codes, code)


def settled(answer: Answer, codes: Codes, confirms: Callable[[Any], bool]) -> Reply:
    """The outcome of a command that sets something; *no change* is an ACK.

    Parameters
    ----------
    confirms
        Whether a parsed reply says that it was done.
    """
    code = codes.code_of(answer.parsed)
    if answer.status == 200 and not code:
        done = isinstance(answer.parsed, Mapping) and confirms(answer.parsed)
        return (
            _reply(answer, Outcome.ACK)
            if done
            else _reply(answer, Outcome.UNKNOWN, detail="HTTP 200, unclear")
        )
    if code in codes.no_change and codes.believed(answer.status):
        return _reply(answer, Outcome.ACK, code=code, detail="it was so already")
    return _without_order(answer, codes, code)


def _without_order(answer: Answer, codes: Codes, code: str) -> Reply:
    if answer.not_sent:
        return _reply(answer, Outcome.REFUSED, refusal=Refusal.NOT_SENT, detail=_happened(answer))
    if code and codes.believed(answer.status):
        detail = said(answer)
        if code in codes.duplicates:
            return _reply(answer, Outcome.UNKNOWN, code=code, detail=detail, duplicate=True)
        if code in codes.refusals:
            return _reply(answer, Outcome.REFUSED, refusal=codes.word(code, detail), code=code, detail=detail)
        return _reply(answer, Outcome.UNKNOWN, code=code, detail=detail)
    code = code or (str(answer.status) if answer.status else "")
    return _reply(answer, Outcome.UNKNOWN, code=code, detail=_happened(answer))


def _reply(
    answer: Answer,
    outcome: Outcome,
    *,
    order: Order | None = None,
    refusal: Refusal | None = None,
    code: str = "",
    detail: str = "",
    duplicate: bool = False,
) -> Reply:
    return Reply(
        outcome,
        order=order,
        refusal=refusal,
        code=code,
        detail=detail,
        duplicate=duplicate,
        sent_ms=answer.sent_ms,
        received_ms=answer.received_ms,
        retry_after_s=retry_after_s(answer),
    )


def retry_after_s(answer: Answer) -> float | None:
    """How long the venue wants us to wait: ``Retry-After``, or Bybit's moment of reset where it limits."""
    after = _float(answer.headers.get("retry-after"))
    if after is not None:
        return max(after, 0.0)
    reset_ms = _float(answer.headers.get("x-bapi-limit-reset-timestamp"))
    code = answer.parsed.get("retCode") if isinstance(answer.parsed, Mapping) else None
    if reset_ms is None or str(code) not in ("10006", "10018"):
        return None
    return min(max((reset_ms - answer.received_ms) / 1000, 0.0), 60.0)


def said(answer: Answer) -> str:
    """The venue's own sentence, cut short."""
    if not isinstance(answer.parsed, Mapping):
        return _happened(answer)
    text = answer.parsed.get("msg") or answer.parsed.get("retMsg") or ""
    return " ".join(str(text).split())[:160]


def _happened(answer: Answer) -> str:
    """What happened without the venue's sentence; never the text of an exception, which holds a signed address."""
    if answer.status:
        return f"HTTP {answer.status} with {len(answer.body)} characters"
    chain = list(_chain(answer.error))
    return f"no answer ({type(chain[min(1, len(chain) - 1)]).__name__})" if chain else "no answer"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, what caused it, and so on."""
    while error is not None:
        yield error
        error = error.__cause__


def _is_named(error: BaseException, names: tuple[str, ...]) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _float(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None
