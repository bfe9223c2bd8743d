"""Where a recording left off: what its files end with, and which of its gaps were never filled.

Owns the way from the files of a directory to marks. Knows nothing of who fills a gap, nor of how a file is written.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from upbit_stream.model.marks import Mark, Unfilled
from upbit_stream.model.messages import MyAsset, MyOrder
from upbit_stream.model.subscription import TYPES
from upbit_stream.record.account import balances_of, orders_of
from upbit_stream.record.backwards import lines_backwards
from upbit_stream.record.beginning import first_lines
from upbit_stream.record.gaps import GAPS, GapRow, open_gaps
from upbit_stream.record.names import MALFORMED, SUFFIX, file_name
from upbit_stream.record.recent import candles_of, newest_live_of, trades_of
from upbit_stream.record.rows import CandleRow, Row, RowT, TradeRow, row_reader
from upbit_stream.record.trouble import recording_error
from upbit_stream.wire.decoder import Decoder

_log = logging.getLogger(__name__)

_MAX_LINES_WITHOUT_ROW: Final = 1000  # a file of another make may have many GB
_MAX_MESSAGES: Final = 20_000  # of an account: what did not change within so many is not known to the next run
_OVERLAP_NS: Final = 60 * 1_000_000_000  # a request for what happened in a gap goes back a little farther

_Stream = tuple[str, str]
MessageT = TypeVar("MessageT", MyOrder, MyAsset)


def marks(directory: Path) -> list[Mark]:
    """A mark for every stream recorded in ``directory``, and for those of which only an unfilled gap is known.

    Times and ids come from the ends of the files, read backwards: from the last 300 s, the newest 1,000 trades, and
    around the gaps of ``gaps.jsonl`` that are still open. What is known of an account comes from its newest 20,000
    rows. ``received_at_ns`` is that of the newest row that came live: one that was recovered may have come while the
    stream itself was down.

    Types that this version does not know have none: they cannot be subscribed. A file that holds no rows of ours is
    told in the log and left out. Raises RecordingError where the directory or its
    ``gaps.jsonl`` cannot be read.

    >>> [(mark.type, mark.code) for mark in marks(Path("data"))]  # doctest: +SKIP
    [('trade', 'SGD-BTC'), ('ticker', 'SGD-BTC')]
    """
    unfilled: dict[_Stream, list[GapRow]] = {}
    for gap in open_gaps(directory):
        if gap.type in TYPES:
            unfilled.setdefault((gap.type, gap.code), []).append(gap)
    found = []
    for path in _recordings(directory):
        mark = _mark_or_none(path, unfilled)
        if mark is not None:
            found.append(mark)
            unfilled.pop((mark.type, mark.code), None)
    return [*found, *(_mark_without_file(*stream, gaps) for stream, gaps in unfilled.items())]


def _recordings(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.name.endswith(SUFFIX)
                and entry.name not in (MALFORMED, GAPS)
                and entry.is_file(follow_symlinks=False)
            )
    except OSError as error:
        raise recording_error("look through", directory, error) from error
    return [directory / name for name in names]


def _mark_or_none(path: Path, unfilled: Mapping[_Stream, Sequence[GapRow]]) -> Mark | None:
    try:
        stream = _stream_of(path)
        if stream is None and path.stat().st_size:
            _log.warning("%s: its end holds no row of a recording; what it lacks is not filled in", path)
        if stream is None or stream[0] not in TYPES:
            return None
        return _mark_of(path, stream, unfilled)
    except OSError as error:
        _log.warning("%s: cannot be read (%s); what it lacks is not filled in", path, error.strerror)
        return None


def _stream_of(path: Path) -> _Stream | None:
    """The type and code of its newest row, or None where the file is not the one that such a row goes to."""
    read = row_reader(Row)
    for line in islice(lines_backwards(path), _MAX_LINES_WITHOUT_ROW):
        row = read(line)
        if row is not None and row.name and file_name(row.name, row.market) == path.name:
            return row.name, row.market
    return None


def _mark_of(path: Path, stream: _Stream, unfilled: Mapping[_Stream, Sequence[GapRow]]) -> Mark | None:
    type_, code = stream
    gaps = unfilled.get(stream, ())
    if type_ == "trade":
        trades = trades_of(_rows(path, stream, row_reader(TradeRow)), gaps)
        if trades is None:
            return None
        return Mark(
            type=type_,
            code=code,
            received_at_ns=trades.received_at_ns,
            trades=trades.recent,
            first_trade=_first_trade(path, stream, gaps),
            unfilled=tuple(_unfilled(gap, ids) for gap, ids in zip(gaps, trades.around, strict=True)),
        )
    left = tuple(_unfilled(gap) for gap in gaps)
    if type_.startswith("candle."):
        candles = candles_of(_rows(path, stream, row_reader(CandleRow)))
        if candles is None:
            return None
        received_at_ns, states = candles
        return Mark(type=type_, code=code, received_at_ns=received_at_ns, candles=states, unfilled=left)
    newest = newest_live_of(_rows(path, stream, row_reader(Row)))
    if newest is None:
        return None
    messages: tuple[MyOrder | MyAsset, ...] = ()
    if type_ == "myOrder":
        # A gap of all markets is of this one too.
        since_ns = min([newest, *(gap.from_ns for gap in (*gaps, *unfilled.get((type_, ""), ())))])
        messages = orders_of(_messages(path, code, MyOrder), since_ns - _OVERLAP_NS)
    elif type_ == "myAsset":
        messages = balances_of(_messages(path, code, MyAsset))
    return Mark(type=type_, code=code, received_at_ns=newest, messages=messages, unfilled=left)


def _first_trade(path: Path, stream: _Stream, gaps: Sequence[GapRow]) -> tuple[int, int] | None:
    """The trade with which a file begins, where it is one that nothing before it was missed of."""
    read = row_reader(TradeRow)
    for line in first_lines(path):
        row = read(line)
        if row is not None and (row.name, row.market) == stream and row.id and row.traded_at_ms:
            # A gap may have come before the first trade: what is missing then was traded before it as well.
            is_after_gap = any(gap.to_ns <= row.received_at_ns for gap in gaps)
            return None if row.is_recovered or is_after_gap else (row.id, row.traded_at_ms)
    return None


def _messages(path: Path, code: str, kind: type[MessageT]) -> Iterator[MessageT]:
    """The newest messages of a file, the newest first."""
    decoder = Decoder()
    for line in islice(lines_backwards(path), _MAX_MESSAGES):
        for item in decoder.decode(line):
            if isinstance(item, kind) and item.code == code:
                yield item


def _rows(path: Path, stream: _Stream, read: Callable[[bytes], RowT | None]) -> Iterator[RowT]:
    """The rows of a stream, the newest first; lines that are none are told once, and left out."""
    is_told = False
    for line in lines_backwards(path):
        row = read(line)
        if row is not None and (row.name, row.market) == stream:
            yield row
        elif not is_told:
            is_told = True
            _log.warning("%s: a line that is no row of %s was left out: %r", path, ":".join(stream), line[:80])


def _mark_without_file(type_: str, code: str, gaps: Iterable[GapRow]) -> Mark:
    gaps = tuple(gaps)
    newest = max(gap.to_ns for gap in gaps)  # something had come then, although it was not written any more
    return Mark(type=type_, code=code, received_at_ns=newest, unfilled=tuple(map(_unfilled, gaps)))


def _unfilled(gap: GapRow, trades: frozenset[int] = frozenset()) -> Unfilled:
    return Unfilled(from_ns=gap.from_ns, to_ns=gap.to_ns, reason=gap.reason, key=gap.gap, trades=trades)
