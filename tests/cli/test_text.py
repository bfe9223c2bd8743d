import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.cli.text import age, clock, plural, printable, size, stream_name

S = 1_000_000_000


@settings(deadline=None)
@given(st.text())
def test_nothing_that_could_command_a_terminal_comes_through(text):
    assert printable(text).isprintable()
    assert (printable(text) == text) == text.isprintable()


def test_streams_are_named_as_the_command_line_names_them():
    assert stream_name("candle.1m", "SGD-BTC") == "candle.1m:SGD-BTC"
    assert stream_name("myAsset", "") == "myAsset"
    assert stream_name("trade", "\x1b[31m") == r"trade:\x1b[31m"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_950, "1.0 MB"),
        (1_250_000_000, "1.2 GB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes(count, shown):
    assert size(count) == shown


@pytest.mark.parametrize(
    ("ns", "shown"),
    [
        (0, "0.0 s"),
        (250_000_000, "0.2 s"),
        (59 * S, "59.0 s"),
        (60 * S, "1 min 0 s"),
        (3599 * S, "59 min 59 s"),
        (7380 * S, "2 h 3 min"),
    ],
)
def test_ages(ns, shown):
    assert age(10**18 + ns, 10**18) == shown


def test_a_clock_that_was_set_back_gives_no_negative_age():
    assert age(1, 2) == "0.0 s"


def test_clock_and_plural():
    assert clock(1_795_350_189_999_999_999) == "2026-11-22 12:23:09Z"
    assert [plural(n, "message") for n in (0, 1, 1234)] == ["0 messages", "1 message", "1,234 messages"]
