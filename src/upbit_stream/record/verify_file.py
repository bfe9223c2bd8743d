"""One file of a recording, looked through row by row.

Owns what a row must be to be right. Reads each file once, at the speed of the decoder, and keeps no row. Knows nothing
of the other files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from upbit_stream.model.messages import AnyMessage, Trade
from upbit_stream.model.subscription import TYPES
from upbit_stream.record.gaps import GAPS, GapRow
from upbit_stream.record.names import MALFORMED, SUFFIX, file_name
from upbit_stream.record.verify_ids import TradeIds, content_of
from upbit_stream.record.verify_lines import Lines
from upbit_stream.record.verify_report import BadLine, FileReport, GapCount, Repeated, Tally
from upbit_stream.wire.decoder import UNREADABLE, Decoder, Unreadable, read_head

# What is not within these years is no time that this exchange or its recorder could tell.
_EARLIEST_MS: Final = 1_262_304_000_000  # 2010
_LATEST_MS: Final = 7_258_118_400_000  # 2200
_NS_PER_MS: Final = 1_000_000
_MOST_ID: Final = (1 << 63) - 1
_DECODERS: Final = {False: Decoder("DEFAULT"), True: Decoder("SIMPLE")}
_SIMPLE: Final = b'"ty":'

OnBytes = Callable[[int], object]


def empty_report(file: str, *, limit: int | None) -> FileReport:
    """Nothing found yet about the file of this name; lists keep at most ``limit`` entries."""
    type_, code = _stream_of(file)
    return FileReport(
        file=file,
        type=type_,
        code=code,
        malformed=Tally(limit),
        strays=Tally(limit),
        duplicates=Tally(limit),
        gaps=GapCount(unfilled=Tally(limit)),
    )


def read_file(path: Path, ids: TradeIds, *, limit: int | None, on_bytes: OnBytes) -> FileReport:
    """Look through one file up to its present end; the ids of its trades are added to ``ids``.

    A file that cannot be read says so in its report.
    """
    report = empty_report(path.name, limit=limit)
    reading = _Bookkeeping(report) if path.name in (MALFORMED, GAPS) else _Reading(report, ids)
    try:
        with path.open("rb", buffering=0) as file:
            report.bytes = os.fstat(file.fileno()).st_size
            lines = Lines(file, report.bytes, on_bytes)
            for some in lines:
                reading.take(some)
            report.torn_bytes = lines.torn_bytes
        for sequential_id, times in ids.repeated():
            report.duplicates.add(Repeated(sequential_id, times))
    except OSError as error:
        report.error = f"cannot be read: {error.strerror or error}"
    return report


class _Reading:
    """The rows of one stream's file."""

    def __init__(self, report: FileReport, ids: TradeIds) -> None:
        self._report = report
        self._ids = ids
        self._own = (report.type, report.code)
        self._line = 0
        self._newest_ns = 0
        self._newest_live_ms = 0

    def take(self, lines: Sequence[bytes]) -> None:
        """Look at some lines."""
        report = self._report
        own_type, own_code = self._own
        # Only a matter of speed: either decoder reads the rows of both.
        decode = _DECODERS[_SIMPLE in lines[0][:64]].decode
        for line in lines:
            self._line += 1
            decoded = decode(line)
            message = decoded[0] if len(decoded) == 1 else None
            if not isinstance(message, AnyMessage) or line.lstrip().startswith(b"["):
                self._take_bad(line, message)
                continue
            received_at_ns = message.received_at_ns
            if not _is_time(received_at_ns // _NS_PER_MS):
                self._malformed("no received_at_ns" if not received_at_ns else "its received_at_ns is no time")
                continue
            code = getattr(message, "code", "")
            if (message.type != own_type or code != own_code) and not self._is_own(message.type, code):
                report.strays.add(BadLine(self._line, f"a row of {message.type}:{code}"))
                continue
            if message.__class__ is Trade and not self._take_trade(message):
                continue
            report.rows += 1
            if received_at_ns < self._newest_ns:
                report.earlier += 1
            elif not self._newest_ns:
                report.first_received_at_ns = received_at_ns
            self._newest_ns = received_at_ns
            report.last_received_at_ns = max(report.last_received_at_ns, received_at_ns)
            if getattr(message, "stream_type", "") == "RECOVERED":
                report.recovered_rows += 1

    def _take_trade(self, trade: Any) -> bool:
        executed_ms = trade.trade_timestamp
        if not 0 < trade.sequential_id <= _MOST_ID or not _is_time(executed_ms):
            self._malformed("its sequential_id or trade_timestamp is none")
            return False
        content = content_of(executed_ms, trade.trade_price, trade.trade_volume, trade.ask_bid)
        self._ids.add(trade.sequential_id, executed_ms, content)
        if trade.stream_type != "RECOVERED":
            if executed_ms < self._newest_live_ms:
                self._report.out_of_order += 1
            self._newest_live_ms = executed_ms
        return True

    def _take_bad(self, line: bytes, found: Any) -> None:
        report = self._report
        head = read_head(line)
        if isinstance(head, Unreadable) or not head.name:
            self._malformed(found.reason if isinstance(found, Unreadable) else "no message")
        elif file_name(head.name, head.market) != report.file:
            report.strays.add(BadLine(self._line, f"a row of {head.name}:{head.market}"))
        elif head.market or head.name not in TYPES or TYPES[head.name].codes != "required":
            self._malformed(found.reason if isinstance(found, Unreadable) else "no message")
        else:
            # No stream has this name: the exchange sent something that calls itself a trade and names no market.
            report.rows += 1
            report.unreadable += 1

    def _is_own(self, type_: str, code: str) -> bool:
        return file_name(type_, code) == self._report.file

    def _malformed(self, reason: str) -> None:
        self._report.malformed.add(BadLine(self._line, reason))


class _MalformedRow(Struct):
    payload_base64: str
    received_at_ns: int


_ROWS: Final = {MALFORMED: msgspec.json.Decoder(_MalformedRow).decode, GAPS: msgspec.json.Decoder(GapRow).decode}


class _Bookkeeping:
    """The rows of ``malformed.jsonl`` or ``gaps.jsonl``."""

    def __init__(self, report: FileReport) -> None:
        self._report = report
        self._line = 0

    def take(self, lines: Sequence[bytes]) -> None:
        """Look at some lines."""
        report = self._report
        decode = _ROWS[report.file]
        for line in lines:
            self._line += 1
            try:
                row = decode(line)
            except UNREADABLE as error:
                report.malformed.add(BadLine(self._line, str(error)))
                continue
            report.rows += 1
            if isinstance(row, _MalformedRow) and _is_time(row.received_at_ns // _NS_PER_MS):
                report.first_received_at_ns = report.first_received_at_ns or row.received_at_ns
                report.last_received_at_ns = max(report.last_received_at_ns, row.received_at_ns)


def _is_time(ms: int) -> bool:
    return _EARLIEST_MS <= ms < _LATEST_MS


def _stream_of(file: str) -> tuple[str, str]:
    """The type and code that a file's name tells, or "" where it is cut or of another make."""
    stem = file.removesuffix(SUFFIX)
    code, _, type_ = stem.rpartition("_")
    found = unquote(type_), unquote(code)
    return found if found[0] and file_name(*found) == file else ("", "")
