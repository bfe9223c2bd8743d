"""A REST request's pass, its answer, and what answers say beside rows: the exchange's time, the budget left, why not.

Owns these values and reading them. Knows neither what is asked nor the client that asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC

from upbit_stream.errors import RequestFailed
from upbit_stream.net.connection import Admission
from upbit_stream.net.refused import refused
from upbit_stream.session.refusal import Refusals
from upbit_stream.wire.rest import read_error

_NONE_LEFT = re.compile(r"\bsec\s*=\s*0\b", re.ASCII)
_WORTH_ANOTHER_TRY = frozenset({408, 418, 425, 429})
_SECOND_MS = 1_000
_MOST_OFF_MS = 366 * 86_400 * _SECOND_MS  # a clock further off than a year is no clock


@dataclass(frozen=True, slots=True)
class Pass:
    """What one request is let through with. ``authorize`` makes the header for its parameters; None: a public one."""

    admission: Admission
    authorize: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the exchange answered; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ExchangeClock:
    """The exchange's clock, as the ``Date`` of its newest answer tells it. ``time_ns`` is ours.

    ``Date`` has whole seconds, and the answer was on its way: any difference within a bit more than a second explains
    it. The smallest one is taken, which is none at all where the two clocks agree.
    """

    def __init__(self, time_ns: Callable[[], int]) -> None:
        self._time_ns = time_ns
        self.offset_ms = 0

    def now_ms(self) -> int:
        """The exchange's time, as far as it is known."""
        return self._time_ns() // 1_000_000 + self.offset_ms

    def answered(self, date: str, sent_ns: int) -> int:
        """The exchange's time when it answered a request that was sent at ``sent_ns``: not later than the true one."""
        sent_ms, received_ms = sent_ns // 1_000_000, self._time_ns() // 1_000_000
        told_ms = _told_ms(date)
        if told_ms is None or abs(told_ms - received_ms) > _MOST_OFF_MS:
            return sent_ms + self.offset_ms
        least, most = told_ms - received_ms, told_ms + _SECOND_MS - 1 - sent_ms
        self.offset_ms = min(max(0, least), max(most, least))
        return told_ms


def _told_ms(date: str) -> int | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # httpx has it loaded by now

    try:
        told = parsedate_to_datetime(date)
        return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()) * _SECOND_MS
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def exhausted(answer: Answer) -> bool:
    """Whether ``Remaining-Req`` says that nothing is left of this second. Only its ``sec`` means anything.

    https://global-docs.upbit.com/reference/rate-limits
    """
    return _NONE_LEFT.search(answer.headers.get("remaining-req", "")) is not None


def refused_for_s(refusals: Refusals, answer: Answer) -> float:
    """For how many seconds nothing may be asked, 0 for every status but 429 and 418."""
    if answer.status not in (418, 429):
        return 0.0
    return refusals.pause_s(refused(answer.status, answer.headers, answer.body))


def failed(what: str, answer: Answer) -> RequestFailed:
    """The error for an answer that is a refusal: what was asked, and what the exchange says of it."""
    status = answer.status
    said = ": ".join(part for part in read_error(answer.body) if part and part != str(status))
    is_final = 400 <= status < 500 and status not in _WORTH_ANOTHER_TRY
    return RequestFailed(f"REST {what}: HTTP {status}{': ' if said else ''}{said}", status=status, is_final=is_final)
