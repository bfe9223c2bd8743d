"""Chunks of frames in which time passes: fresh ids and rising times, without making every message anew.

The loads repeat after a chunk, but for the ids. Whoever compares the messages of several connections, or keeps what
came lately, would take the second chunk for an old one. Here every chunk is the first again with all ids and times
moved on by its number of messages, so that a message comes a millisecond after the one before, by the exchange's clock.

Owns that substitution. Knows nothing of sockets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bench.loads import plain_frame

_MOVES = re.compile(rb'"(?:tms|ttms|timestamp|trade_timestamp|sid|sequential_id)":(\d+)')


class Moving:
    """The messages of ``payloads`` again and again: one chunk holds each of them once."""

    def __init__(self, payloads: Iterable[bytes]) -> None:
        self._numbers: list[int] = []
        frames = [self._marked(plain_frame(payload)) for payload in payloads]
        self.size = len(frames)
        self._template = b"".join(frames)
        self.bytes = len(self.at(0))  # of one chunk

    def chunks(self, messages: int) -> Iterator[bytes]:
        """As many chunks as hold so many messages, which have to fill them."""
        if messages % self.size:
            raise ValueError(f"{messages} messages do not fill chunks of {self.size}")
        return (self.at(sent) for sent in range(0, messages, self.size))

    def at(self, distance: int) -> bytes:
        """The chunk with all ids and times so much later."""
        return self._template % tuple([number + distance for number in self._numbers])

    def _marked(self, frame: bytes) -> bytes:
        """The frame as a part of the template: a place for each number that moves. Those are noted in this order.

        The length in the frame's head stays true, since moving leaves a number its digits.
        """
        self._numbers += map(int, _MOVES.findall(frame))
        return _MOVES.sub(lambda found: found[0][: -len(found[1])] + b"%d", frame.replace(b"%", b"%%"))
