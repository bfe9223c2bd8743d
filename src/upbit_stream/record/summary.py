"""What was recorded, in numbers.

Owns the frozen counts that a progress line and a final table are made of. Knows nothing of how they are shown.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class StreamCount(Struct, frozen=True, kw_only=True):
    """What one recorder has taken of one stream.

    ``messages`` were taken since the recorder was made, ``unwritten`` of them are not in the file yet;
    ``bytes`` is what was added to the file, the times and line breaks included. Times are ns since the epoch.
    """

    type: str
    code: str
    messages: int
    unwritten: int
    bytes: int
    first_received_at_ns: int
    newest_received_at_ns: int
    path: Path


class GapCount(Struct, frozen=True, kw_only=True):
    """What one recorder knows of gaps: ``noticed`` in this run, an earlier run's among them that were taken up again.

    Of these, ``filled`` ones were filled with ``messages`` altogether, ``lost`` ones could not be, and ``open`` ones
    are neither yet: the next run takes them up again.
    """

    noticed: int = 0
    filled: int = 0
    messages: int = 0
    lost: int = 0
    open: int = 0


class Summary(Struct, frozen=True, kw_only=True):
    """What one recorder has taken so far: ``streams`` in the order in which they first spoke.

    ``malformed`` counts payloads that could not be read, kept in ``malformed_path``; ``cut_bytes`` is what
    torn last lines of an earlier run came to; ``gaps`` counts what was missed and what was filled.
    """

    streams: tuple[StreamCount, ...]
    malformed: int
    malformed_path: Path
    cut_bytes: int
    gaps: GapCount = GapCount()

    @property
    def messages(self) -> int:
        """Messages of all streams, the malformed ones left out."""
        return sum(stream.messages for stream in self.streams)

    @property
    def bytes(self) -> int:
        """Bytes that were added to the files of all streams."""
        return sum(stream.bytes for stream in self.streams)
