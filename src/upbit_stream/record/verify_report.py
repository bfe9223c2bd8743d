"""What a verification found, in values: for each file, and for the whole.

Owns what is wrong and what is only worth a note. Knows nothing of how it is found out or shown.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from upbit_stream.record.gaps import GapRow

Item = TypeVar("Item")


class Tally(Generic[Item]):
    """How many, and the first ``limit`` of them; None keeps all.

    >>> tally = Tally(1)
    >>> tally.add("a"); tally.add("b")
    >>> tally.count, tally.named
    (2, ['a'])
    """

    __slots__ = ("count", "limit", "named")

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.count = 0
        self.named: list[Item] = []

    def add(self, item: Item) -> None:
        """One more."""
        self.count += 1
        if self.limit is None or len(self.named) < self.limit:
            self.named.append(item)

    def merge(self, other: Tally[Item]) -> None:
        """All of another one."""
        for item in other.named:
            self.add(item)
        self.count += other.count - len(other.named)

    def __bool__(self) -> bool:
        return self.count > 0


class BadLine(Struct, frozen=True):
    """A line, counted from 1, and what is wrong with it."""

    line: int
    reason: str


class Repeated(Struct, frozen=True):
    """A trade that a file holds several times."""

    sequential_id: int
    times: int


class ExchangeTrade(Struct, frozen=True):
    """A trade as the exchange tells it; numbers as it writes them."""

    sequential_id: int
    trade_timestamp: int
    trade_price: str
    trade_volume: str
    ask_bid: str


class InventedTrade(Struct, frozen=True):
    """A trade that the exchange does not know; ``hour_ms`` is the hour of its ``trade_timestamp``."""

    sequential_id: int
    hour_ms: int


class GapCount(Struct, kw_only=True):
    """The gaps of one stream. ``messages`` were recovered; ``unfilled`` are those that are lost or open."""

    noticed: int = 0
    recovered: int = 0
    lost: int = 0
    open: int = 0
    messages: int = 0
    unfilled: Tally[GapRow]


class Compared(Struct, kw_only=True):
    """What the exchange says to the trades of one file.

    ``checked`` of the file's trades were looked for. ``unchecked`` are older than the exchange keeps
    (``kept_from_ms``). ``failed`` is why the comparison came to no end, or "".
    """

    from_ms: int
    to_ms: int
    checked: int
    unchecked: int
    kept_from_ms: int | None
    missing: Tally[ExchangeTrade]
    invented: Tally[InventedTrade]
    altered: Tally[ExchangeTrade]
    failed: str = ""


class FileReport(Struct, kw_only=True):
    """One file, or a stream that has gaps and no file.

    ``earlier`` rows were received before the row above them, by our clock. ``out_of_order`` live trades were executed
    before the one above them. ``unreadable`` rows are the exchange's own: kept as they came, under a name that is no
    stream. ``is_being_written``: the torn last line is a recorder's that is at work.
    """

    file: str
    type: str = ""
    code: str = ""
    bytes: int = 0
    rows: int = 0
    recovered_rows: int = 0
    first_received_at_ns: int = 0
    last_received_at_ns: int = 0
    torn_bytes: int = 0
    is_being_written: bool = False
    malformed: Tally[BadLine]
    strays: Tally[BadLine]
    duplicates: Tally[Repeated]
    earlier: int = 0
    out_of_order: int = 0
    unreadable: int = 0
    gaps: GapCount
    online: Compared | None = None
    error: str = ""

    @property
    def is_recoverable(self) -> bool:
        """Whether the exchange can be asked for what was missed."""
        return self.type in {"trade", "myOrder", "myAsset"} or self.type.startswith("candle.")

    @property
    def recovered_missing(self) -> int:
        """Rows that ``gaps.jsonl`` says were recovered and that the file does not hold."""
        has_own_rows = self.type == "trade" or self.type.startswith("candle.")  # orders of all markets have many files
        return max(0, self.gaps.messages - self.recovered_rows) if has_own_rows else 0

    @property
    def wrong(self) -> tuple[str, ...]:
        """The names of what is wrong with it; none if nothing is."""
        online = self.online
        found = {
            "error": bool(self.error),
            "torn": bool(self.torn_bytes) and not self.is_being_written,
            "malformed": bool(self.malformed),
            "strays": bool(self.strays),
            "duplicates": bool(self.duplicates),
            "gaps_lost": bool(self.gaps.lost) and self.is_recoverable,
            "gaps_open": bool(self.gaps.open) and self.is_recoverable,
            "recovered_missing": self.recovered_missing > 0,
            "missing": online is not None and bool(online.missing),
            "invented": online is not None and bool(online.invented),
            "altered": online is not None and bool(online.altered),
        }
        return tuple(name for name, is_so in found.items() if is_so)


class Report(Struct, kw_only=True):
    """A recording. ``malformed_payloads`` counts what the exchange sent unreadable; ``foreign`` names files that are no
    part of a recording.
    """

    directory: str
    files: list[FileReport]
    malformed_payloads: int = 0
    foreign: list[str] = []

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not any(file.wrong for file in self.files)

    @property
    def failures(self) -> list[str]:
        """Why comparisons came to no end."""
        return [file.online.failed for file in self.files if file.online is not None and file.online.failed]
