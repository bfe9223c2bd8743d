"""Every raw message into the file of its stream.

Owns the order of things: take the directory, hold rows, write them, settle gaps, let go. Knows nothing of time: the
caller says when a second is over; and nothing of threads: all calls come from one, the one that receives.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from upbit_stream.errors import RecordingError
from upbit_stream.model.events import Gap, Recovered
from upbit_stream.model.marks import Mark
from upbit_stream.model.raw import RawMessage
from upbit_stream.record.directory import cut_torn_lines, sync_directory, take_directory
from upbit_stream.record.gap_log import GapLog
from upbit_stream.record.names import MALFORMED, file_name
from upbit_stream.record.pool import FilePool
from upbit_stream.record.recordable import Recordable
from upbit_stream.record.resume import marks
from upbit_stream.record.summary import Summary
from upbit_stream.record.track import Track

_log = logging.getLogger(__name__)

EventT = TypeVar("EventT", Gap, Recovered)

_FLUSH_BYTES: Final = 256 * 1024  # a system call for less costs as much as what it writes


class Recorder:
    """Writes raw messages to ``directory``, one file a stream (``SGD-BTC_trade.jsonl``).

    The directory is made where it is missing and locked: a second recorder gets a RecordingError. Torn last
    lines of a run that crashed are cut. A stream's rows are written once ``flush_bytes`` of them are held, so
    memory is bounded by that per stream; ``max_open_files`` bounds the descriptors.

        with Recorder(Path("data")) as recorder:
            recorder.write(RawMessage(b'{"type":"trade","code":"SGD-BTC"}', "trade", "SGD-BTC", time_ns()))

    `attach` records a stream: what came since the last run is asked for, and every gap gets its account in
    ``gaps.jsonl``.

    Every method raises RecordingError, naming the file, the reason and what to do, where the disk says no.
    The files then still hold whole lines only, and what could not be written is kept and tried again.
    """

    def __init__(self, directory: Path, *, flush_bytes: int = _FLUSH_BYTES, max_open_files: int = 256) -> None:
        self.directory = directory
        self._flush_bytes = flush_bytes
        self._pool = FilePool(max_open_files)
        self._tracks: dict[tuple[str, str], Track] = {}
        self._all: list[Track] = []
        self._malformed: Track | None = None
        self._lock = take_directory(directory)
        self._closed = False
        self._failure: RecordingError | None = None  # of an event, until it is told
        try:
            self._cut_bytes = cut_torn_lines(directory)
            self._gaps = GapLog(directory, self._pool)
        except BaseException:
            self._pool.close()
            self._lock.release()
            raise

    def attach(self, stream: Recordable) -> None:
        """Record ``stream``, from where the last run left off. To be called before anything is subscribed.

        Raises RecordingError where the recording that is there cannot be read.

            async with Stream("sg") as stream:
                recorder.attach(stream)
                await stream.subscribe("trade", ["SGD-BTC"])
        """
        stream.resume(self.marks())
        stream.tap(self.write, self.sink)
        stream.on("gap", self.gap)
        stream.on("recovered", self.recovered)

    def marks(self) -> list[Mark]:
        """Where the recording stands, for `Stream.resume`. Raises RecordingError.

        A gap that an earlier run left open is settled under its old name, once `gap` tells of it again.
        """
        found = marks(self.directory)
        self._gaps.adopt(found)
        return found

    def write(self, raw: RawMessage) -> None:
        """Take one message; it is in its file after the next flush at the latest.

        A message of type "" could not be read: it goes to ``malformed.jsonl``. The payload of any other must
        be one complete JSON object. Raises RecordingError where room had to be made and the disk said no; the
        message is not taken then.
        """
        track = self._tracks.get((raw.type, raw.code)) or self._track_of(raw)
        track.put(raw.payload, raw.received_at_ns)

    def sink(self, first: RawMessage) -> Callable[[bytes, int], None]:
        """What takes the messages of one type and code, the ``first`` among them: payload and time in ns.

        The same as `write` for each of them, without making a RawMessage; see `Stream.tap`.
        """
        return (self._tracks.get((first.type, first.code)) or self._track_of(first)).put

    def gap(self, event: Gap) -> None:
        """Write down at once that messages may be missing, or that they could not be had.

        An error is raised by the next `write`, `flush` or `close`: a stream goes on when a handler of events fails.
        """
        self._account(self._gaps.noticed, event)

    def recovered(self, event: Recovered) -> None:
        """Write down that a gap is filled, after its messages. For an error see `gap`; the gap then stays open."""
        self._account(self._settle, event)

    def flush(self) -> None:
        """Write all that is held. A file that fails does not keep the others from being tried."""
        # Open files first: walking round more files than may be open would find each one just closed.
        tracks = sorted(self._all, key=lambda track: not self._pool.is_open(track.path))
        _raise_first([*self._untold(), *self._attempt(Track.drain, tracks)])

    def close(self) -> None:
        """Flush, wait for the disk, and let the directory go. May be called again.

        Raises RecordingError where messages are lost by it; the directory is free even then.
        """
        if self._closed:
            return
        self._closed = True
        failures = self._untold()
        self._look_at_each()
        try:
            failures += self._attempt(Track.drain, self._all)
            failures += self._attempt(Track.sync, self._all)
            failures += _failures_of(self._gaps.write) or _failures_of(self._gaps.sync)
            _raise_first(failures, lost=sum(len(track.rows) for track in self._all))
            sync_directory(self.directory)
        finally:
            self._pool.close()
            self._lock.release()

    def summary(self) -> Summary:
        """What was taken since the recorder was made, also after it was closed; cheap enough for every second."""
        malformed = self._malformed
        return Summary(
            streams=tuple(track.count() for track in self._all if track is not malformed),
            malformed=malformed.count().messages if malformed else 0,
            malformed_path=self.directory / MALFORMED,
            cut_bytes=self._cut_bytes + self._pool.cut_bytes,
            gaps=self._gaps.count(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _track_of(self, raw: RawMessage) -> Track:
        self._check()
        if raw.type:
            path = self.directory / file_name(raw.type, raw.code)
            track = self._tracks[raw.type, raw.code] = Track(raw, path, self._flush_bytes, self._full)
        elif self._malformed is not None:
            return self._malformed
        else:
            track = self._malformed = Track(
                raw, self.directory / MALFORMED, self._flush_bytes, self._full, is_malformed=True
            )
        self._all.append(track)
        return track

    def _full(self, track: Track) -> None:
        """Room is made before the message is taken: on a full disk what is held cannot grow beyond the bound."""
        self._check()
        if track.rows.size >= self._flush_bytes:
            track.drain(self._pool)

    def _check(self) -> None:
        if self._closed:
            raise RecordingError(f"the recording in {self.directory} is closed; make a new Recorder to go on")
        if failures := self._untold():
            raise failures[0]

    def _look_at_each(self) -> None:
        """From now on every message asks `_full` whether it may be taken; there is no check on each otherwise."""
        for track in self._all:
            track.rows.limit = 0

    def _account(self, take: Callable[[EventT], None], event: EventT) -> None:
        if self._closed:
            _log.warning("%s: the recording is closed; not written down: %r", self.directory, event)
            return
        try:
            take(event)
        except RecordingError as error:
            if self._failure is None:
                self._failure = error
                self._look_at_each()

    def _settle(self, event: Recovered) -> None:
        if self._failure is not None:
            return
        if event.code:
            track = self._tracks.get((event.message_type, event.code))
            tracks = [] if track is None else [track]
        else:  # a gap of all codes: what was recovered may be of any
            tracks = [track for track in self._all if track.type == event.message_type]
        for track in tracks:
            track.drain(self._pool)
        self._gaps.recovered(event)

    def _untold(self) -> list[RecordingError]:
        """The failure that nobody was told yet; from then on it counts as told."""
        if self._failure is None:
            return []
        failure, self._failure = self._failure, None
        if not self._closed:
            for track in self._all:
                track.rows.limit = self._flush_bytes
        return [failure]

    def _attempt(self, action: Callable[[Track, FilePool], None], tracks: Iterable[Track]) -> list[RecordingError]:
        failures = []
        for track in tracks:
            try:
                action(track, self._pool)
            except RecordingError as error:
                failures.append(error)
        return failures


def _failures_of(action: Callable[[], None]) -> list[RecordingError]:
    try:
        action()
    except RecordingError as error:
        return [error]
    return []


def _raise_first(failures: list[RecordingError], *, lost: int = 0) -> None:
    if not failures:
        return
    others = f" ({len(failures) - 1} more files failed as well)" if len(failures) > 1 else ""
    losses = f"; {lost} messages are lost" if lost else ""
    raise RecordingError(f"{failures[0]}{others}{losses}") from failures[0].__cause__
