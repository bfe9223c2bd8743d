"""What to do after the exchange refused a connection or a request.

Owns the exchange's rules for going on: 401 and 403 end it, 429 waits for the next second, 418 for the time
that the answer tells. Knows nothing of sockets.
"""

from __future__ import annotations

from upbit_stream.errors import AuthenticationError, HandshakeRefused

NEXT_SECOND_S = 1.1  # "wait for the next second", and a tenth for the difference of two clocks
# What the exchange calls a request that it refuses. Any other error may have nothing to do with the request before it.
REFUSALS = frozenset({"INVALID_AUTH", "WRONG_FORMAT", "NO_TICKET", "NO_TYPE", "NO_CODES", "INVALID_PARAM"})
FIRST_BLOCK_S = 60.0  # a 418 that tells no time
LONGEST_BLOCK_S = 3600.0


class Refusals:
    """Keeps count of the blocks in a row, since a block that tells no time is taken to grow."""

    def __init__(self) -> None:
        self._blocks = 0

    def pause_s(self, refusal: HandshakeRefused) -> float:
        """Seconds in which no further connection may be attempted; 0 where the backoff alone decides.

        Raises `AuthenticationError` where trying again would not help.
        """
        if refusal.status in (401, 403):
            raise AuthenticationError(
                refusal.name or f"HTTP {refusal.status}",
                refusal.detail or "the exchange gave no reason",
                status=refusal.status,
            ) from refusal
        if refusal.status == 418:
            self._blocks += 1
            guess = min(LONGEST_BLOCK_S, FIRST_BLOCK_S * 2.0 ** min(self._blocks - 1, 16))
            return NEXT_SECOND_S + (guess if refusal.retry_after_s is None else refusal.retry_after_s)
        if refusal.status == 429:
            return max(NEXT_SECOND_S, refusal.retry_after_s or 0.0)
        return 0.0

    def connected(self) -> None:
        """A connection was accepted: no block is in force."""
        self._blocks = 0


def fatal(name: str, detail: str) -> AuthenticationError | None:
    """The error that ends the stream, for an error message on an open connection; None where it is not fatal."""
    return AuthenticationError(name, detail) if name == "INVALID_AUTH" else None
