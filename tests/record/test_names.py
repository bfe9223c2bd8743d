import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from upbit_stream.record.names import MALFORMED, file_name

HOSTILE = st.text(max_size=400) | st.sampled_from(
    ["..", "/", "../../etc/passwd", "\0", "CON", "malformed", "~", "_", "%2F"]
)
TYPES = HOSTILE.filter(bool)
NAMES = st.tuples(TYPES, HOSTILE)


@pytest.mark.parametrize(
    ("type_", "code", "name"),
    [
        ("trade", "SGD-BTC", "SGD-BTC_trade.jsonl"),
        ("candle.1m", "SGD-BTC", "SGD-BTC_candle.1m.jsonl"),
        ("myAsset", "", "myAsset.jsonl"),
        ("trade", "../x", "%2E.%2Fx_trade.jsonl"),
        ("malformed", "", "%6Dalformed.jsonl"),
        ("Gaps", "", "%47aps.jsonl"),
        ("nul", "", "%6Eul.jsonl"),
        ("trade", "COM1.x", "%43OM1.x_trade.jsonl"),
        ("a_b", "", "a%5Fb.jsonl"),
        ("체결", "", "%EC%B2%B4%EA%B2%B0.jsonl"),
        ("\ud800", "", "%ED%A0%80.jsonl"),
    ],
)
def test_names(type_, code, name):
    assert file_name(type_, code) == name


@settings(deadline=None)
@given(TYPES, HOSTILE)
@example("..", "..")
@example("trade", "/etc/passwd")
@example("trade", "a" * 5000)
def test_a_name_stays_directly_inside_its_directory(type_, code):
    name = file_name(type_, code)
    directory = Path("/data/recording")
    assert os.path.normpath(directory / name) == str(directory / name)
    assert (directory / name).parent == directory
    assert len(os.fsencode(name)) <= 255 - len(".zst.part")
    assert name.isascii()
    assert name.isprintable()
    assert not name.startswith(".")
    assert name.endswith(".jsonl")
    assert name.lower() not in {MALFORMED, "gaps.jsonl"}


@settings(deadline=None)
@given(NAMES, NAMES)
@example(("b", "a"), ("a_b", ""))
@example(("c", "a_b"), ("b_c", "a"))
@example(("a/b", ""), ("a%2Fb", ""))
@example(("malformed", ""), ("%6Dalformed", ""))
@example(("trade", "x" * 300), ("trade", "x" * 301))
def test_two_streams_never_share_a_file(one, other):
    assert (file_name(*one) == file_name(*other)) == (one == other)
