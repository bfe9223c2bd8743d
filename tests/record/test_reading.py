"""Reading back what was recorded."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from upbit_stream import Decoder, OrderBook, RawMessage, RecordingError, Trade, Unknown, read_recording
from upbit_stream.record import Recorder


@pytest.fixture
def recording(tmp_path: Path, capture: list[bytes]) -> Path:
    with Recorder(tmp_path / "data") as recorder:
        for number, payload in enumerate(capture, 1):
            kind = "trade" if b'"trade"' in payload[:20] else "orderbook"
            recorder.write(RawMessage(payload, kind, "KRW-ALL", number))
    return tmp_path / "data"


def test_messages_come_back_with_their_time(recording: Path, capture: list[bytes]) -> None:
    decoder = Decoder("SIMPLE")
    sent = [decoder.decode(payload, number)[0] for number, payload in enumerate(capture, 1)]
    read = [*read_recording(recording / "KRW-ALL_trade.jsonl"), *read_recording(recording / "KRW-ALL_orderbook.jsonl")]
    assert sorted(read, key=lambda message: message.received_at_ns) == sent
    assert {type(message) for message in read} == {Trade, OrderBook}


def test_exact_numbers(recording: Path) -> None:
    trade = next(read_recording(str(recording / "KRW-ALL_trade.jsonl"), exact=True))
    assert isinstance(trade, Trade)
    assert isinstance(trade.trade_price, Decimal)


def test_a_torn_last_line_is_left_out(recording: Path) -> None:
    path = recording / "KRW-ALL_trade.jsonl"
    whole = list(read_recording(path))
    path.write_bytes(path.read_bytes() + b'{"ty":"trade","cd":"KRW')
    assert list(read_recording(path)) == whole


def test_unknown_types_come_back_too(tmp_path: Path) -> None:
    path = tmp_path / "SGD-BTC_new.jsonl"
    path.write_bytes(b'{"type":"new","code":"SGD-BTC","received_at_ns":7}\n')
    [message] = read_recording(path)
    assert isinstance(message, Unknown)
    assert message.received_at_ns == 7


@pytest.mark.parametrize("line", [b"nonsense\n", b"\n", b'{"status":"UP"}\n', b"[]\n"])
def test_what_is_no_message_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "SGD-BTC_trade.jsonl"
    path.write_bytes(b'{"type":"new","code":"SGD-BTC"}\n' + line)
    with pytest.raises(RecordingError, match="line 2"):
        list(read_recording(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be read"):
        list(read_recording(tmp_path / "none.jsonl"))
