"""Where places in a budget are reserved: in memory for one connection, in a file for all processes of the host.

The counting is PyrateLimiter's sliding log, the file SQLite's. Owns the stores. Knows no limits and does not wait.

With these packages it takes 40 ms to import: `upbit_stream.net.environment` does that for the first stream.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout
from pyrate_limiter import InMemoryBucket, RateItem, SQLiteBucket
from pyrate_limiter import Rate as Counted

from upbit_stream.errors import BudgetUnavailable
from upbit_stream.net.budget import Rate

STATE_DIR_VARIABLE = "UPBIT_STREAM_STATE_DIR"
_LOCK_TIMEOUT_S = 5.0
_LOCK_POLL_S = 0.005


def reserve(bucket: InMemoryBucket | SQLiteBucket, not_before_ms: int) -> int:
    """Put a place into the log at the first moment the rates allow, not before any that is there."""
    newest = bucket.peek(0)
    at = not_before_ms if newest is None else max(not_before_ms, newest.timestamp)
    while not bucket.put(RateItem("place", at)):
        wait = bucket.waiting(RateItem("place", at))
        at += max(1, wait if isinstance(wait, int) else 1)  # the buckets here are never asynchronous
    return at


def _counted(rates: tuple[Rate, ...]) -> list[Counted]:
    return [Counted(rate.places, rate.window_ms) for rate in rates]


class MemoryStore:
    """The budget of one connection, or of a laboratory."""

    def __init__(self, rates: tuple[Rate, ...]) -> None:
        self._bucket = InMemoryBucket(_counted(rates))
        self._paused_until_ms = 0

    async def reserve(self, now_ms: Callable[[], int]) -> int:
        """See `Store.reserve`."""
        now = now_ms()
        self._bucket.leak(now)
        return reserve(self._bucket, max(now, self._paused_until_ms))

    async def pause(self, until_ms: int) -> None:
        """See `Store.pause`."""
        self._paused_until_ms = max(self._paused_until_ms, until_ms)

    async def paused_until(self) -> int:
        """See `Store.paused_until`."""
        return self._paused_until_ms

    def close(self) -> None:
        """Nothing to let go of."""


class FileStore:
    """A budget that all processes of the host share: one table of an SQLite file, one for each ``name``.

    The name is hashed, so an access key in it is not readable in the file. Raises `BudgetUnavailable` where the
    file cannot be used.
    """

    def __init__(self, rates: tuple[Rate, ...], name: str, directory: Path | None = None) -> None:
        self._rates = _counted(rates)
        self._table = "places_" + hashlib.sha256(name.encode()).hexdigest()[:24]
        self._directory = state_directory() if directory is None else directory
        self._path = self._directory / f"budgets-{_boot()}.sqlite"
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._in_use = threading.Lock()
        self._closed = False

    async def reserve(self, now_ms: Callable[[], int]) -> int:
        """See `Store.reserve`. The file is locked for about a millisecond; this happens in a thread."""
        return await self._in_thread(lambda bucket: self._reserve(bucket, now_ms))

    async def pause(self, until_ms: int) -> None:
        """See `Store.pause`."""
        await self._in_thread(lambda bucket: self._pause(bucket, until_ms))

    async def paused_until(self) -> int:
        """See `Store.paused_until`."""
        return await self._in_thread(self._paused_until)

    async def _in_thread(self, action: Callable[[SQLiteBucket], int]) -> int:
        return await asyncio.get_running_loop().run_in_executor(None, self._locked, action)

    def _locked(self, action: Callable[[SQLiteBucket], int]) -> int:
        with self._in_use:
            result = self._with_file(action)
        if self._closed:
            self.close()
        return result

    def _with_file(self, action: Callable[[SQLiteBucket], int]) -> int:
        try:
            _own(self._directory)
            lock = FileLock(f"{self._path}.lock", timeout=_LOCK_TIMEOUT_S, poll_interval=_LOCK_POLL_S)
            with lock:
                return action(SQLiteBucket(self._rates, self._opened(), self._table, lock=lock))
        except Timeout as error:
            raise BudgetUnavailable(
                f"{self._path}: another process has held the lock for {_LOCK_TIMEOUT_S:.0f} s; is one of them stopped?"
            ) from error
        except (OSError, sqlite3.Error) as error:
            raise BudgetUnavailable(
                f"{self._path}: {error}. Make the directory writable, or name another in {STATE_DIR_VARIABLE}"
            ) from error

    def _opened(self) -> sqlite3.Connection:
        """The connection to the file that now has the path: who swept the directory may have taken the one before."""
        if self._connection is not None and _inode(self._path) != self._inode:
            self._disconnect()
        if self._connection is None:
            self._connection = self._open()
            self._inode = _inode(self._path)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False)
        # Nothing here has to survive the machine: with the next boot begins another file.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f'CREATE TABLE IF NOT EXISTS "{self._table}" (name VARCHAR, item_timestamp INTEGER)')
        connection.execute("CREATE TABLE IF NOT EXISTS pauses (name VARCHAR PRIMARY KEY, until_ms INTEGER)")
        connection.commit()
        return connection

    def _reserve(self, bucket: SQLiteBucket, now_ms: Callable[[], int]) -> int:
        now = now_ms()  # not before the lock was had: a place in the past would be used late, together with others
        bucket.leak(now)
        return reserve(bucket, max(now, self._paused_until(bucket)))

    def _pause(self, bucket: SQLiteBucket, until_ms: int) -> int:
        later = max(until_ms, self._paused_until(bucket))
        bucket.conn.execute("INSERT OR REPLACE INTO pauses VALUES (?, ?)", (self._table, later))
        bucket.conn.commit()
        return later

    def _paused_until(self, bucket: SQLiteBucket) -> int:
        row = bucket.conn.execute("SELECT until_ms FROM pauses WHERE name = ?", (self._table,)).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Let go of the file. Where a thread is still at it, for a wait that was cancelled, it does that at its end."""
        self._closed = True
        if self._in_use.acquire(blocking=False):
            try:
                self._disconnect()
            finally:
                self._in_use.release()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def state_directory() -> Path:
    """Where the processes of this user share their budgets; ``UPBIT_STREAM_STATE_DIR`` names another place."""
    named = os.environ.get(STATE_DIR_VARIABLE)
    return Path(named) if named else Path(tempfile.gettempdir()) / f"upbit-stream-{os.getuid()}"


def _own(directory: Path) -> None:
    """Make the directory; one in the common temporary directory must not be somebody else's."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    named = os.environ.get(STATE_DIR_VARIABLE)
    if not named and directory.lstat().st_uid != os.getuid():
        raise PermissionError(f"the directory {directory} belongs to another user")


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def _boot() -> str:
    """The monotonic clock begins anew with every boot, and so does the file."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return "any"
