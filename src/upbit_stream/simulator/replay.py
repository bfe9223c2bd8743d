"""Recorded traffic, played again at its own pace.

Owns reading a capture (``received_at_ns TAB payload``, one message a line) or a recording (objects with
``received_at_ns`` as their last key), and when each message is due.
The payloads go out byte for byte to those who ask for the names they were recorded under, and renamed,
digit for digit, to the others. Once all is played it stays silent. Must not know sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .agenda import Agenda
from .audience import Audience
from .broadcast import wrapped
from .names import translate
from .wanted import EVERY_CODE, Depth, Feed, Format, Variant


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message as it was received."""

    received_at_ns: int
    payload: bytes
    kind: str
    code: str
    simple: bool


class _Heading(msgspec.Struct):
    type: str | None = None
    ty: str | None = None
    code: str | None = None
    cd: str | None = None


class Replay:
    """A capture in memory, and how much faster than it happened it is to be played."""

    def __init__(self, records: Sequence[Recorded], *, speed: float = 1.0) -> None:
        if not 0 < speed < float("inf"):
            raise ValueError("the speed of a replay is a number above zero")
        if not records:
            raise ValueError("a replay needs at least one message")
        self.records = tuple(records)
        self.speed = speed
        self.codes = frozenset(record.code for record in records if record.code != EVERY_CODE)

    @classmethod
    def from_file(cls, path: str | Path, *, speed: float = 1.0) -> Replay:
        """Read a capture, or one file of a recording, or all of a recording's directory in the order of time.

        ValueError with the line's number if a line is not of its form. Lines that are no message of a type
        (status, errors, answers) are left out.
        """
        place = Path(path)
        if not place.is_dir():
            return cls(_read(place), speed=speed)
        files = [file for file in sorted(place.glob("*.jsonl")) if file.name != "malformed.jsonl"]
        records = [record for file in files for record in _read(file)]
        return cls(sorted(records, key=lambda record: record.received_at_ns), speed=speed)

    def due_ms(self, index: int) -> int:
        """How long after the start the message at ``index`` is due."""
        passed_ns = self.records[index].received_at_ns - self.records[0].received_at_ns
        return int(passed_ns / self.speed) // 1_000_000


def _read(path: Path) -> list[Recorded]:
    records: list[Recorded] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            text = line.rstrip(b"\r\n")
            if not text:
                continue
            try:
                records += _records(text)
            except ValueError as problem:
                raise ValueError(f"line {number} of {path} is no recorded message: {problem}") from problem
    return records


def _records(line: bytes) -> list[Recorded]:
    stamp, tab, payload = line.partition(b"\t")
    if not tab:
        payload, key, stamp = line.rpartition(b',"received_at_ns":')
        if not key:
            raise ValueError("there is neither a tab nor a received_at_ns in it")
        payload, stamp = payload + b"}", stamp.removesuffix(b"}")
    items = [payload]
    if payload.lstrip()[:1] == b"[":
        items = [bytes(item) for item in msgspec.json.decode(payload, type=list[msgspec.Raw])]
    return [record for item in items if (record := _record(int(stamp), item)) is not None]


def _record(received_at_ns: int, payload: bytes) -> Recorded | None:
    heading = msgspec.json.decode(payload, type=_Heading)
    kind = heading.ty or heading.type
    if kind is None:
        return None
    simple = heading.ty is not None
    return Recorded(received_at_ns, payload, kind, (heading.cd or heading.code) or EVERY_CODE, simple)


class _Played:
    account = None
    once = True

    def __init__(self, record: Recorded) -> None:
        self.kind = record.kind
        self.code = record.code
        self._record = record
        self._renamed: bytes | None = None

    def payload(self, variant: Variant, style: Format) -> bytes | None:
        # The recorded book is what it is: the depth asked for does not change it. It is ungrouped, though,
        # so it is no answer to a subscription with another level.
        if isinstance(variant, Depth) and variant.level:
            return None
        if style.simple == self._record.simple:
            return wrapped(self._record.payload, style)
        if self._renamed is None:
            self._renamed = translate(self._record.payload, self.kind, to_simple=style.simple)
        return wrapped(self._renamed, style)


class Playback:
    """Plays a replay to an audience from the moment someone subscribes to any of it."""

    def __init__(self, replay: Replay, agenda: Agenda, audience: Audience) -> None:
        self._replay = replay
        self._agenda = agenda
        self._audience = audience
        self._played = 0
        self._start_ms: int | None = None
        self._offered = {(record.kind, record.code) for record in replay.records}

    def subscribed(self, feeds: Iterable[Feed], now_ms: int) -> None:
        """Start, if it has not started and one of these live feeds is in the capture."""
        if self._start_ms is None and any((feed.kind, feed.code) in self._offered for feed in feeds):
            self._start_ms = now_ms
            self._agenda.add(now_ms, self._play)

    def _play(self, at_ms: int) -> None:
        start_ms = self._start_ms
        if start_ms is None:
            return
        records = self._replay.records
        while self._played < len(records):
            due_ms = start_ms + self._replay.due_ms(self._played)
            if due_ms > at_ms:
                self._agenda.add(due_ms, self._play)
                return
            self._played += 1
            self._audience.deliver(_Played(records[self._played - 1]))
