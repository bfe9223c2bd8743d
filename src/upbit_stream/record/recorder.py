"""Every raw message into the file of its stream.

Owns the order of things: take the directory, hold rows, write them, let go. Knows nothing of time: the caller
says when a second is over; and nothing of threads: all calls come from one, the one that receives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from upbit_stream.errors import RecordingError
from upbit_stream.model.raw import RawMessage
from upbit_stream.record.directory import cut_torn_lines, sync_directory, take_directory
from upbit_stream.record.line import malformed_line, message_line
from upbit_stream.record.names import MALFORMED, file_name
from upbit_stream.record.pool import FilePool
from upbit_stream.record.summary import Summary
from upbit_stream.record.track import Track

_FLUSH_BYTES: Final = 64 * 1024


class Recorder:
    """Writes raw messages to ``directory``, one file a stream (``SGD-BTC_trade.jsonl``).

    The directory is made where it is missing and locked: a second recorder gets a RecordingError. Torn last
    lines of a run that crashed are cut. A stream's rows are written once ``flush_bytes`` of them are held, so
    memory is bounded by that per stream; ``max_open_files`` bounds the descriptors.

        with Recorder(Path("data")) as recorder:
            recorder.write(RawMessage(b'{"type":"trade","code":"SGD-BTC"}', "trade", "SGD-BTC", time_ns()))

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
        try:
            self._cut_bytes = cut_torn_lines(directory)
        except BaseException:
            self._lock.release()
            raise

    def write(self, raw: RawMessage) -> None:
        """Take one message; it is in its file after the next flush at the latest.

        A message of type "" could not be read: it goes to ``malformed.jsonl``. The payload of any other must
        be one complete JSON object. Raises RecordingError where room had to be made and the disk said no; the
        message is not taken then.
        """
        try:
            track = self._tracks[raw.type, raw.code]
        except KeyError:
            track = self._track_of(raw)
        # Room is made before the message is taken: on a full disk what is held cannot grow beyond the bound.
        if track.held_bytes >= self._flush_bytes:
            track.drain(self._pool)
        track.held.append(raw)
        track.held_bytes += len(raw.payload)

    def flush(self) -> None:
        """Write all that is held. A file that fails does not keep the others from being tried."""
        # Open files first: walking round more files than may be open would find each one just closed.
        tracks = sorted(self._all, key=lambda track: not self._pool.is_open(track.path))
        _raise_first(self._attempt(Track.drain, tracks))

    def close(self) -> None:
        """Flush, wait for the disk, and let the directory go. May be called again.

        Raises RecordingError where messages are lost by it; the directory is free even then.
        """
        if self._closed:
            return
        self._closed = True
        self._tracks.clear()  # so that a late write is noticed without a check on every one
        try:
            failures = self._attempt(Track.drain, self._all)
            failures += self._attempt(Track.sync, self._all)
            _raise_first(failures, lost=sum(len(track.held) for track in self._all))
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
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _track_of(self, raw: RawMessage) -> Track:
        if self._closed:
            raise RecordingError(f"the recording in {self.directory} is closed; make a new Recorder to go on")
        if raw.type:
            path = self.directory / file_name(raw.type, raw.code)
            track = self._tracks[raw.type, raw.code] = Track(raw, path, message_line)
        elif self._malformed is not None:
            return self._malformed
        else:
            track = self._malformed = Track(raw, self.directory / MALFORMED, malformed_line)
        self._all.append(track)
        return track

    def _attempt(self, action: Callable[[Track, FilePool], None], tracks: Iterable[Track]) -> list[RecordingError]:
        failures = []
        for track in tracks:
            try:
                action(track, self._pool)
            except RecordingError as error:
                failures.append(error)
        return failures


def _raise_first(failures: list[RecordingError], *, lost: int = 0) -> None:
    if not failures:
        return
    others = f" ({len(failures) - 1} more files failed as well)" if len(failures) > 1 else ""
    losses = f"; {lost} messages are lost" if lost else ""
    raise RecordingError(f"{failures[0]}{others}{losses}") from failures[0].__cause__
