import io
import logging

import pytest
from rich.console import Console
from tests.cli.counts import NOW, S, count, shown, summary

from upbit_stream.cli.connections import Connections
from upbit_stream.cli.display import Display
from upbit_stream.cli.ending import summary_table
from upbit_stream.cli.progress import Progress


@pytest.fixture
def connections():
    return Connections()


def test_a_terminal_shows_all_and_each(console, connections):
    connections.made = connections.lost = 2
    progress = Progress([("trade", "SGD-BTC"), ("ticker", "SGD-XRP")], connections)
    progress.count(summary(), NOW - 2 * S, 10.0)
    progress.count(
        summary(count(messages=1234, size=56_000), count("myAsset", "", newest=NOW - 90 * S), malformed=1), NOW, 12.0
    )
    assert shown(console, progress.lines()) == [
        "1,235 messages, 617.5/s, 56.1 kB, 0 connections open, 2 connections lost, 1 payload unreadable",
        "  trade:SGD-BTC   1,234 messages  0.0 s ago",
        "  ticker:SGD-XRP      0 messages  none yet",
        "  myAsset              1 message  1 min 30 s ago",
    ]


def test_each_number_says_what_it_counts(connections):
    connections.made, connections.lost, connections.failed = 2, 1, 2
    progress = Progress([], connections)
    progress.count(summary(malformed=3), NOW, 1.0)
    assert progress.total() == (
        "0 messages, 0.0/s, 0 B, 0 connections open, 1 connection lost, 2 attempts failed, 3 payloads unreadable"
    )


def test_gaps_are_told_in_short(connections):
    progress = Progress([], connections)
    progress.count(summary(noticed=3, filled=1, lost=1, open=1), NOW, 1.0)
    assert progress.total().endswith("0 connections open, 3 gaps noticed, 1 gap to fill")
    progress.count(summary(noticed=3, filled=2, lost=1), NOW, 2.0)
    assert progress.total().endswith("0 connections open, 3 gaps noticed")


def test_of_many_streams_those_are_shown_that_are_silent_the_longest(console, connections):
    progress = Progress([("trade", "SGD-NONE")], connections)
    progress.count(summary(*(count(code=f"SGD-{n}", newest=NOW - n * S) for n in range(30))), NOW, 1.0)
    lines = shown(console, progress.lines())
    assert [line.split()[0] for line in lines[1:13]] == [
        "trade:SGD-NONE",
        *(f"trade:SGD-{n}" for n in range(29, 18, -1)),
    ]
    assert lines[13:] == ["  and 19 streams more, with newer messages"]
    assert progress.as_log_line().endswith("trade:SGD-25 25.0 s ago, and 25 streams more")


def test_the_rate_is_the_mean_of_the_last_ten_seconds(connections):
    progress = Progress([], connections)
    for second in range(30):
        progress.count(summary(count(messages=100 * second if second < 20 else 1900)), NOW, float(second))
        if second == 15:
            assert "100.0/s" in progress.total()
    assert ", 0.0/s" in progress.total()


def test_the_rate_is_of_the_last_ten_seconds_also_where_counts_come_late(connections):
    progress = Progress([], connections)
    for second in range(0, 61, 3):
        progress.count(summary(count(messages=1000 if second >= 30 else 0)), NOW, float(second))
        assert (", 0.0/s" in progress.total()) == (not 30 <= second < 42)


def test_before_anything_is_counted(connections):
    progress = Progress([], connections)
    assert progress.total() == "nothing counted yet"
    progress.count(summary(), NOW, 1.0)
    assert progress.as_log_line() == "0 messages, 0.0/s, 0 B, 0 connections open"


def test_names_from_the_wire_are_no_markup_and_no_commands(console, connections):
    progress = Progress([], connections)
    hostile = summary(count("[red]x", "\x1b[2J"))
    progress.count(hostile, NOW, 1.0)
    assert "[red]x:\\x1b[2J" in "\n".join(shown(console, progress.lines()))
    assert "[red]x:\\x1b[2J" in "\n".join(shown(console, summary_table(hostile, [], console)))
    assert "\x1b" not in console.file.getvalue()


class Clock:
    def __init__(self):
        self.s = 0

    def time_ns(self):
        return NOW + self.s * S

    def monotonic(self):
        return float(self.s)


def display_of(console, connections, clock, *, live):
    return Display(
        Progress([], connections),
        lambda: summary(count(messages=10 * clock.s)),
        console,
        live=live,
        time_ns=clock.time_ns,
        monotonic=clock.monotonic,
    )


def test_without_a_terminal_there_is_a_log_line_every_ten_seconds(console, connections, caplog):
    clock = Clock()
    with (
        caplog.at_level(logging.INFO, "upbit_stream.cli"),
        display_of(console, connections, clock, live=False) as display,
    ):
        for clock.s in range(31):
            display.tick()
    assert [message.partition(",")[0] for message in caplog.messages] == [
        "100 messages",
        "200 messages",
        "300 messages",
    ]
    assert console.file.getvalue() == ""


def test_on_a_terminal_the_lines_stay_and_the_cursor_is_kept(connections):
    clock = Clock()
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, legacy_windows=False)
    with display_of(console, connections, clock, live=True) as display:
        for clock.s in range(3):
            display.tick()
        output = file.getvalue()
        assert "20 messages" in output
        assert output.rindex("\x1b[?25h") > output.rindex("\x1b[?25l")


def test_a_terminal_that_is_gone_ends_the_display_alone(connections):
    class Gone(io.StringIO):
        def write(self, text):
            if "messages" in text:
                raise OSError(5, "Input/output error")
            return super().write(text)

    with display_of(Console(file=Gone(), force_terminal=True), connections, Clock(), live=True) as display:
        display.tick()
        display.tick()
