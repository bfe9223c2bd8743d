"""The errors of the package: who is at fault, what happened, and what to do about it.

    UpbitStreamError
     ├─ UsageError (also a ValueError)          the caller's mistake, found before anything was sent
     │   ├─ InvalidSubscription
     │   └─ InsecureConnection
     ├─ StreamClosed                            the stream is not open (any more)
     ├─ ExchangeError                           the exchange said no, or said what makes no sense
     │   ├─ SubscriptionRejected
     │   ├─ AuthenticationError
     │   └─ MalformedMessage
     ├─ ConnectionFailed                        the exchange could not be reached, or was lost
     │   ├─ HandshakeRefused
     │   └─ RetriesExhausted
     ├─ RequestFailed                           a REST request of a recovery came to nothing
     ├─ BudgetUnavailable                       the store that processes share their budgets in does not answer
     └─ RecordingError                          a file could not be written or read

Knows nothing of the rest of the package.
"""

from __future__ import annotations

from typing import Any


class UpbitStreamError(Exception):
    """The base of every error that this package raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the class with the finished text, which is not what its constructor takes.
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[UpbitStreamError], args: tuple[Any, ...]) -> UpbitStreamError:
    return kind.__new__(kind, *args)


class UsageError(UpbitStreamError, ValueError):
    """An argument makes no sense; nothing was sent."""


class InvalidSubscription(UsageError):
    """A subscription that the exchange would refuse or never answer: the text names what and why."""


class InsecureConnection(UsageError):
    """A plain ``ws://`` or ``http://`` address that is not this machine's own."""


class StreamClosed(UpbitStreamError):
    """The stream has not been opened yet, or is closed."""


class ExchangeError(UpbitStreamError):
    """The exchange answered with an error, or with something that cannot be read."""


class SubscriptionRejected(ExchangeError):
    """The exchange refused a subscription; the set that worked before stands again.

    ``name`` is the exchange's error name (``INVALID_PARAM``), or ``NOT_REGISTERED`` where the exchange
    accepted a request and then did not list what was asked for. ``detail`` is the exchange's text.
    """

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"the exchange refused the subscription: {name}: {detail}")
        self.name = name
        self.detail = detail


class AuthenticationError(ExchangeError):
    """The exchange refused the access key or its token; trying again would not help.

    ``name`` is the exchange's error name (``nonce_used``, ``no_authorization_ip``, …), ``status`` the HTTP
    status, or None where the refusal came as a message on an open connection.
    """

    def __init__(self, name: str, detail: str, *, status: int | None = None) -> None:
        where = "" if status is None else f" (HTTP {status})"
        super().__init__(f"the exchange refused the credentials{where}: {name}: {detail}")
        self.name = name
        self.detail = detail
        self.status = status


class MalformedMessage(ExchangeError):
    """Bytes that are no message of the exchange."""


class ConnectionFailed(UpbitStreamError):
    """No connection could be made, or an open one was lost."""


class HandshakeRefused(ConnectionFailed):
    """The exchange answered the WebSocket upgrade with something else than 101.

    ``status`` is the HTTP status, ``name`` the exchange's error name or "", ``retry_after_s`` the seconds
    that the answer asks to wait, or None.
    """

    def __init__(self, status: int, *, name: str = "", detail: str = "", retry_after_s: float | None = None) -> None:
        said = ": ".join(part for part in (name, detail) if part)
        super().__init__(f"the exchange refused the connection: HTTP {status}{': ' if said else ''}{said}")
        self.status = status
        self.name = name
        self.detail = detail
        self.retry_after_s = retry_after_s


class RetriesExhausted(ConnectionFailed):
    """``max_retries`` attempts in a row failed. The last failure is the ``__cause__``."""


class RequestFailed(UpbitStreamError):
    """A REST request came to nothing: no answer, a refusal, or an answer that cannot be read.

    ``status`` is the HTTP status, or None where there was no answer. ``is_final``: the same request would fail again
    (an unknown market, refused credentials, the REST client is not installed).
    """

    def __init__(self, reason: str, *, status: int | None = None, is_final: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.is_final = is_final


class BudgetUnavailable(UpbitStreamError):
    """The file in which the processes of this host share their budgets cannot be used."""


class RecordingError(UpbitStreamError):
    """A recording could not be written or read: the text names the file and the reason."""
