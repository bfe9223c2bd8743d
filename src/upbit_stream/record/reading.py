"""Reading a recording back, as the messages that a stream would have given.

Owns the way from the lines of a file to messages. Knows nothing of how they were written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from upbit_stream.errors import RecordingError
from upbit_stream.model.messages import AnyMessage
from upbit_stream.wire.decoder import Decoder, Unreadable


def read_recording(path: Path | str, *, exact: bool = False) -> Iterator[AnyMessage]:
    """The messages of one file of a recording, in the order in which they were received, ``received_at_ns`` included.

    Works for every wire format. With ``exact`` market data numbers are `decimal.Decimal`. A last line without an end,
    which a crash may leave, is not read. Raises `RecordingError`, naming the line, for one that is no message.

    >>> for trade in read_recording("data/SGD-BTC_trade.jsonl"): ...  # doctest: +SKIP
    """
    decoder = Decoder("DEFAULT", exact=exact)
    try:
        with Path(path).open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.endswith(b"\n"):
                    yield _message(decoder, line, f"{path}, line {number}")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error


def _message(decoder: Decoder, line: bytes, where: str) -> AnyMessage:
    decoded = decoder.decode(line.strip())
    if len(decoded) == 1 and isinstance(decoded[0], AnyMessage):
        return decoded[0]
    reason = decoded[0].reason if decoded and isinstance(decoded[0], Unreadable) else "it is an answer of the exchange"
    raise RecordingError(f"{where}: not a message: {reason}")
