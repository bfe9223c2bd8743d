import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.cli.counts import count, shown, summary

from upbit_stream.cli.ending import closing_lines, silent_streams, summary_table


def rows_at(width, table_of):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    lines = shown(console, table_of(console))
    assert max(map(len, lines)) <= width
    return [line.split() for line in lines if line.strip(" ─")]


def test_the_table_at_the_end():
    counts = summary(count(messages=1234, size=56_000))
    expected = [("ticker", "SGD-XRP"), ("trade", "SGD-BTC")]
    assert rows_at(100, lambda console: summary_table(counts, expected, console)) == [
        ["stream", "messages", "bytes", "newest", "message", "file"],
        ["ticker:SGD-XRP", "0", "0", "B", "never"],
        ["trade:SGD-BTC", "1,234", "56.0", "kB", "2026-11-22", "12:23:09Z", "SGD-BTC_trade.jsonl"],
        ["total", "1,234", "56.0", "kB"],
    ]


FORTY = [("candle.240m", f"SGD-{n:05}") for n in range(40)]


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (120, ["stream", "messages", "bytes", "newest", "message", "file"]),
        (80, ["stream", "messages", "bytes", "newest", "message"]),
        (60, ["stream", "messages", "bytes"]),
        (45, ["stream", "messages"]),
    ],
)
def test_a_narrow_table_has_fewer_columns_and_one_row_a_stream(width, columns):
    counts = summary(*(count(type_, code, messages=123_456_789, size=10**12) for type_, code in FORTY))
    rows = rows_at(width, lambda console: summary_table(counts, FORTY, console))
    assert rows[0] == columns
    assert [row[0] for row in rows[1:-1]] == [f"{type_}:{code}" for type_, code in FORTY]


def test_where_a_table_can_fit_nowhere_all_names_are_whole_in_their_lines():
    rows = rows_at(25, lambda console: summary_table(summary(count("candle.240m", "SGD-VERYLONG")), [], console))
    assert "".join(row[0] for row in rows[1:-1]) == "candle.240m:SGD-VERYLONG"


def test_what_the_table_does_not_say():
    assert closing_lines(summary(), Path("data"), files_named=True) == ["The files are in data"]
    assert closing_lines(summary(count()), Path("data"), files_named=False) == [
        "The files are in data, named like SGD-BTC_trade.jsonl"
    ]
    assert closing_lines(summary(malformed=2, cut=17), Path("data"), files_named=True) == [
        "The files are in data",
        "2 payloads could not be read: see malformed.jsonl",
        "17 B of torn last lines were cut, which a crash had left",
    ]


def test_gaps_are_accounted_for():
    def said(**gaps):
        return closing_lines(summary(**gaps), Path("data"), files_named=True)[1:]

    assert said(noticed=1, filled=1, messages=1) == ["1 gap noticed: 1 filled with 1 message; see gaps.jsonl"]
    assert said(noticed=2, lost=2) == [
        "2 gaps noticed: 0 filled with 0 messages, 2 could not be filled; see gaps.jsonl"
    ]
    assert said(noticed=1207, filled=1204, messages=5678, lost=2, open=1) == [
        "1,207 gaps noticed: 1,204 filled with 5,678 messages, 2 could not be filled, 1 left to the next run; "
        "see gaps.jsonl"
    ]


def test_a_stream_of_which_nothing_came_is_named():
    counts = summary(count())
    assert silent_streams(counts, [("trade", "SGD-BTC")]) == ""
    assert silent_streams(counts, [("trade", "SGD-BTC"), ("trade", "SGD-NOPE"), ("ticker", "SGD-NOPE")]) == (
        "nothing came of trade:SGD-NOPE, ticker:SGD-NOPE: does this region have that market?"
    )
    assert silent_streams(counts, [("trade", f"SGD-{n}") for n in range(8)]) == (
        "nothing came of trade:SGD-0, trade:SGD-1, trade:SGD-2, trade:SGD-3, trade:SGD-4 and 3 streams more: "
        "does this region have those markets?"
    )
