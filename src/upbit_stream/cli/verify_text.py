"""What a verification found, in words.

Owns the wording, and what is shown as wrong or as a note. Knows nothing of how it was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from rich.box import SIMPLE
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from upbit_stream.cli.text import clock, plural, printable, size
from upbit_stream.record.gaps import GapRow
from upbit_stream.record.verify_report import (
    BadLine,
    Compared,
    ExchangeTrade,
    FileReport,
    InventedTrade,
    Repeated,
    Report,
    Tally,
)

if TYPE_CHECKING:
    from rich.console import Console

NAMED = 20  # of each fault, in the text

_MS = 1_000_000
_UNBOUNDED = 10_000
_COLUMNS = ("rows", "first received", "last received", "recovered rows", "gaps")
Item = TypeVar("Item")


def overview(report: Report, console: Console) -> Table | Text:
    """The files, their rows and times, and how many gaps there were: a table, or lines where it has no room."""
    shown = _table(report)
    wanted = Measurement.get(console, console.options.update(width=_UNBOUNDED), shown).maximum
    return shown if wanted <= console.width else Text("\n".join(map(_line_of, report.files)))


def _table(report: Report) -> Table:
    shown = Table(box=SIMPLE)
    shown.add_column("file", overflow="fold")
    for name in _COLUMNS:
        shown.add_column(name, justify="left" if name.endswith("received") else "right", no_wrap=True)
    for file in report.files:
        times = [clock(at_ns) if at_ns else "" for at_ns in (file.first_received_at_ns, file.last_received_at_ns)]
        cells = (printable(file.file), f"{file.rows:,}", *times, f"{file.recovered_rows:,}", f"{file.gaps.noticed:,}")
        shown.add_row(*map(Text, cells))
    return shown


def _line_of(file: FileReport) -> str:
    said = f"{printable(file.file)}: {plural(file.rows, 'row')}"
    if file.recovered_rows:
        said += f" ({file.recovered_rows:,} of them recovered)"
    if file.first_received_at_ns:
        said += f", received {clock(file.first_received_at_ns)} to {clock(file.last_received_at_ns)}"
    return f"{said}, {plural(file.gaps.noticed, 'gap')}"


def wrongs(file: FileReport) -> list[str]:
    """What is wrong with a file, a line each."""
    return [f"{printable(file.file)}: {printable(text)}" for text in _wrongs(file)]


def _wrongs(file: FileReport) -> Iterator[str]:
    if file.error:
        yield file.error
    if file.torn_bytes and not file.is_being_written:
        yield f"a torn last line of {size(file.torn_bytes)}"
    if file.malformed:
        yield f"{plural(file.malformed.count, 'line')} cannot be read: {_named(file.malformed, _line)}"
    if file.strays:
        yield f"{plural(file.strays.count, 'row')} of another stream: {_named(file.strays, _line)}"
    if file.duplicates:
        yield f"{plural(file.duplicates.count, 'trade')} more than once: {_named(file.duplicates, _repeated)}"
    if file.is_recoverable and file.gaps.unfilled:
        yield f"{_unfilled(file)}: {_named(file.gaps.unfilled, _gap)}"
    if file.recovered_missing:
        yield f"{plural(file.recovered_missing, 'recovered row')} less than gaps.jsonl tells of"
    if file.online is not None:
        yield from _online_wrongs(file.online)


def _online_wrongs(online: Compared) -> Iterator[str]:
    if online.missing:
        yield f"{plural(online.missing.count, 'trade')} missing: {_named(online.missing, _trade)}"
    if online.invented:
        yield (
            f"{plural(online.invented.count, 'trade')} that the exchange does not know: "
            f"{_named(online.invented, _invented)}"
        )
    if online.altered:
        yield (
            f"{plural(online.altered.count, 'trade')} not as the exchange tells of it, which is: "
            f"{_named(online.altered, _trade)}"
        )


def notes(report: Report) -> list[str]:
    """What is worth knowing and not wrong, a line each."""
    lines = [f"{printable(file.file)}: {printable(text)}" for file in report.files for text in _notes(file)]
    if report.foreign:
        lines.append(f"not looked at, since they are no files of a recorder: {printable(', '.join(report.foreign))}")
    return lines


def _notes(file: FileReport) -> Iterator[str]:
    if file.torn_bytes and file.is_being_written:
        yield "its last line is being written at the moment"
    if file.file == "malformed.jsonl" and file.rows:
        yield f"{plural(file.rows, 'payload')} of the exchange could not be read"
    if file.unreadable:
        yield f"{plural(file.unreadable, 'message')} that the exchange sent without the fields of a {file.type}"
    if file.earlier:
        yield f"{plural(file.earlier, 'row')} received before the row above by the clock, which was set back"
    if file.out_of_order:
        yield f"{plural(file.out_of_order, 'live trade')} executed before the one above"
    if file.gaps.recovered:
        yield (
            f"{plural(file.gaps.recovered, 'gap')} filled with {plural(file.gaps.messages, 'message')}, "
            "received late and out of order"
        )
    if not file.is_recoverable and file.gaps.unfilled:
        yield f"{_unfilled(file)}, which nothing can fill: the exchange keeps no history of this type"
    if file.online is not None and file.online.unchecked and not file.online.failed:
        kept_from_ms = file.online.kept_from_ms or 0
        yield (
            f"{plural(file.online.unchecked, 'trade')} not checked: older than the exchange keeps, "
            f"which is from {clock(kept_from_ms * _MS)}"
        )


def verdict(report: Report) -> str:
    """The last line: whole or not, and how far that was looked at."""
    rows = f"{plural(sum(file.rows for file in report.files), 'row')} in {plural(len(report.files), 'file')}"
    wrong = sum(bool(file.wrong) for file in report.files)
    if wrong:
        said = f"The recording is not whole: see {plural(wrong, 'file')} above"
    elif report.failures:
        said = f"Nothing wrong was found, but {plural(len(report.failures), 'file')} could not be compared"
    else:
        said = "The recording is whole"
    compared = [file.online for file in report.files if file.online is not None]
    if not compared and said == "The recording is whole" and any(file.type == "trade" for file in report.files):
        return f"Nothing is wrong with the files ({rows}); --online compares the trades with those of the exchange"
    if not compared:
        return f"{said} ({rows})"
    checked, unchecked = sum(each.checked for each in compared), sum(each.unchecked for each in compared)
    left = f", {unchecked:,} not checked" if unchecked else ""
    return f"{said} ({rows}; {plural(checked, 'trade')} compared with the exchange's{left})"


def as_json(report: Report) -> str:
    """Everything, as one JSON object on one line."""
    found = msgspec.to_builtins(report, enc_hook=_plain)
    for file, fields in zip(report.files, found["files"], strict=True):
        fields["wrong"] = file.wrong
    return msgspec.json.encode({"is_whole": report.is_whole, **found}).decode()


def _plain(value: object) -> Any:
    if isinstance(value, Tally):
        return {"count": value.count, "named": [msgspec.to_builtins(item) for item in value.named]}
    raise NotImplementedError(f"no JSON for {type(value)}")


def _named(tally: Tally[Item], text: Callable[[Item], str]) -> str:
    more = tally.count - len(tally.named)
    return ", ".join(map(text, tally.named)) + (f" and {more:,} more" if more else "")


def _line(bad: BadLine) -> str:
    return f"line {bad.line} ({bad.reason})"


def _repeated(trade: Repeated) -> str:
    return f"{trade.sequential_id} ({trade.times} times)"


def _trade(trade: ExchangeTrade) -> str:
    at = _moment(trade.trade_timestamp * _MS)
    return f"{trade.sequential_id} ({at}, {trade.trade_volume} at {trade.trade_price}, {trade.ask_bid})"


def _invented(trade: InventedTrade) -> str:
    return f"{trade.sequential_id} (in the hour from {clock(trade.hour_ms * _MS)})"


def _gap(row: GapRow) -> str:
    why = f"; {row.why}" if row.why else ""
    return f"{_moment(row.from_ns)} to {_moment(row.to_ns)} ({row.reason}{why})"


def _unfilled(file: FileReport) -> str:
    parts = [(file.gaps.lost, "lost"), (file.gaps.open, "still open")]
    return " and ".join(f"{plural(count, 'gap')} {state}" for count, state in parts if count)


def _moment(at_ns: int) -> str:
    return f"{clock(at_ns)[:-1]}.{at_ns // _MS % 1000:03}Z"
