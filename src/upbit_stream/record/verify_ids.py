"""Which trades a file holds, in little memory: 16 bytes a trade, and what is more than 64 MB goes to a temporary file.

Owns the bookkeeping by the hour of execution, so that duplicates are found, and the exchange's trades compared, an hour
at a time. Knows nothing of the rows of a recording, nor of how trades are fetched.
"""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import IO, Final

HOUR_MS: Final = 3_600_000

_HELD: Final = 4_000_000  # trades; 64 MB
_TRADE_BYTES: Final = 16


def content_of(executed_ms: int, price: float, volume: float, side: str) -> int:
    """What a trade says beside its id, in 64 bits; the same for the same trade within one process.

    >>> content_of(1, 2.0, 3.0, "BID") == content_of(1, 2.0, 3.0, "ASK")
    False
    """
    return hash((executed_ms, price, volume, side))


class TradeIds:
    """The ids and contents of trades, in any order.

    ``first_ms`` and ``last_ms`` are the earliest and the latest execution, in ms since the epoch; 0 without a trade.

    >>> with TradeIds() as ids:
    ...     for n in (7, 7, 8):
    ...         ids.add(n, 3_600_000, content_of(3_600_000, 1.0, 1.0, "BID"))
    ...     len(ids), ids.hours(), list(ids.repeated())
    (3, [1], [(7, 2)])
    """

    def __init__(self, *, held: int = _HELD) -> None:
        self.first_ms = 0
        self.last_ms = 0
        self._most_held = held
        self._hours: dict[int, array[int]] = {}  # id, content, id, content, …
        self._held = 0
        self._count = 0
        self._spilled: IO[bytes] | None = None
        self._places: dict[int, list[tuple[int, int]]] = {}  # where in the file, and how many bytes

    def __len__(self) -> int:
        return self._count

    def __enter__(self) -> TradeIds:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of everything; may be called again."""
        self._hours.clear()
        if self._spilled is not None:
            self._spilled.close()

    def add(self, sequential_id: int, executed_ms: int, content: int) -> None:
        """One more trade; ``sequential_id`` fits 63 bits. Raises OSError where there is no room for temporary files."""
        hour = executed_ms // HOUR_MS
        try:
            trades = self._hours[hour]
        except KeyError:
            trades = self._hours[hour] = array("q")
        trades.append(sequential_id)
        trades.append(content)
        if executed_ms > self.last_ms:
            self.last_ms = executed_ms
        if executed_ms < self.first_ms or not self._count:
            self.first_ms = executed_ms
        self._count += 1
        self._held += 1
        if self._held >= self._most_held:
            self._spill()

    def hours(self) -> list[int]:
        """The hours since the epoch in which trades were executed, in order."""
        return sorted(self._hours.keys() | self._places.keys())

    def of_hour(self, hour: int) -> dict[int, int]:
        """The ids of one hour and their contents. Of a repeated id the one that was added last counts."""
        trades = self._whole(hour)
        return dict(zip(trades[::2], trades[1::2], strict=True))

    def count_of_hour(self, hour: int) -> int:
        """How many trades of one hour were added, repeated ones included."""
        spilled = sum(size for _, size in self._places.get(hour, ())) // _TRADE_BYTES
        return spilled + len(self._hours.get(hour, ())) // 2

    def repeated(self) -> Iterator[tuple[int, int]]:
        """Every id that was added more than once within an hour, and how often."""
        for hour in self.hours():
            ids = self._whole(hour)[::2]
            if len(set(ids)) < len(ids):
                yield from ((sequential_id, times) for sequential_id, times in Counter(ids).items() if times > 1)

    def _whole(self, hour: int) -> array[int]:
        trades = array("q")
        for offset, size in self._places.get(hour, ()):
            if self._spilled is not None:
                self._spilled.seek(offset)
                trades.frombytes(self._spilled.read(size))
        trades.extend(self._hours.get(hour, ()))
        return trades

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile(prefix="upbit-stream-")  # noqa: SIM115  # closed by close()
        end = self._spilled.seek(0, 2)
        for hour, trades in self._hours.items():
            size = self._spilled.write(trades.tobytes())
            self._places.setdefault(hour, []).append((end, size))
            end += size
        self._hours.clear()
        self._held = 0
