"""What ``gaps.jsonl`` holds: one row when a gap is noticed, one when it is settled.

Owns the form of these rows and reading them back. Knows nothing of streams, nor of when a row is written.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from upbit_stream.errors import RecordingError
from upbit_stream.record.names import SUFFIX
from upbit_stream.wire.decoder import UNREADABLE

_log = logging.getLogger(__name__)

GAPS: Final = "gaps" + SUFFIX
GapState: TypeAlias = Literal["open", "recovered", "lost"]

_MS: Final = 1_000_000
_S: Final = 1_000_000_000


class GapRow(Struct, frozen=True, kw_only=True):
    """A gap of one stream, from the last message before it to the first after it (ns since the epoch, our clock).

    ``gap`` names it within its directory. ``state`` is ``open`` until it is settled: ``recovered`` with the number of
    messages that had been missing, or ``lost``, and then ``why`` says why. One that is still open when the process
    ends is taken up again by the next run. ``code`` is "" for types without one.
    """

    gap: str
    type: str
    code: str
    from_ns: int
    to_ns: int
    reason: str
    state: GapState
    recovered: int = 0
    why: str = ""


_decode: Final = msgspec.json.Decoder(GapRow).decode


def gap_line(row: GapRow) -> bytes:
    r"""The line of one row; for the reader's eye it names the times in ISO 8601 (UTC) as well.

    >>> row = GapRow(gap="a-1", type="trade", code="SGD-BTC", from_ns=0, to_ns=1, reason="reset", state="open")
    >>> gap_line(row)[:79]
    b'{"gap":"a-1","type":"trade","code":"SGD-BTC","from":"1970-01-01T00:00:00.000Z",'
    """
    fields: dict[str, str | int] = {
        "gap": row.gap,
        "type": row.type,
        "code": row.code,
        "from": _iso(row.from_ns),
        "to": _iso(row.to_ns),
        "from_ns": row.from_ns,
        "to_ns": row.to_ns,
        "reason": row.reason,
        "state": row.state,
    }
    if row.state == "recovered":
        fields["recovered"] = row.recovered
    if row.why:
        fields["why"] = row.why
    # A reason may quote the system, which may hand out halves of surrogate pairs: no JSON reader takes these.
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def read_gaps(directory: Path | str) -> list[GapRow]:
    """The gaps of the recording in ``directory``, each in its newest state, in the order in which they were noticed.

    A torn last line is left out, and so, with a warning, is a line that is no such row. Without a ``gaps.jsonl`` there
    are none. Raises RecordingError where it cannot be read.

    >>> [row.why for row in read_gaps("data") if row.state == "lost"]  # doctest: +SKIP
    ['the exchange keeps no history of tickers; the next message tells the present state']
    """
    newest: dict[str, GapRow] = {}
    for row in _rows(Path(directory)):
        newest[row.gap] = row
    return list(newest.values())


def open_gaps(directory: Path) -> list[GapRow]:
    """Those of `read_gaps` that were never settled; in memory that these alone bound. Raises RecordingError."""
    unsettled: dict[str, GapRow] = {}
    for row in _rows(directory):
        if row.state == "open":
            unsettled[row.gap] = row
        else:
            unsettled.pop(row.gap, None)
    return list(unsettled.values())


def _rows(directory: Path) -> Iterator[GapRow]:
    path = directory / GAPS
    unreadable = 0
    try:
        with path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                try:
                    row = _decode(line)
                except UNREADABLE:
                    unreadable += 1
                else:
                    yield row
    except FileNotFoundError:
        return
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
    if unreadable:
        _log.warning("%s: %d lines are no rows of gaps and were left out", path, unreadable)


def _iso(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns // _S, UTC):%Y-%m-%dT%H:%M:%S}.{at_ns % _S // _MS:03}Z"
