"""What the recorder wrote can be played again."""

import pytest

from upbit_stream.simulator import Replay

ROWS = {
    "SGD-BTC_trade.jsonl": [
        (5, b'{"type":"trade","code":"SGD-BTC","n":1}'),
        (20, b'{"type":"trade","code":"SGD-BTC","n":4}'),
    ],
    "SGD-BTC_ticker.jsonl": [
        (7, b'{"ty":"ticker","cd":"SGD-BTC","n":2}'),
        (9, b'{"ty":"ticker","cd":"SGD-BTC","n":3}'),
    ],
}


@pytest.fixture
def recording(tmp_path):
    for name, rows in ROWS.items():
        lines = [payload[:-1] + b',"received_at_ns":%d}\n' % time_ns for time_ns, payload in rows]
        (tmp_path / name).write_bytes(b"".join(lines))
    (tmp_path / "malformed.jsonl").write_bytes(b'{"payload_base64":"AA==","received_at_ns":8}\n')
    return tmp_path


def test_one_file_of_a_recording(recording):
    name = "SGD-BTC_trade.jsonl"
    replay = Replay.from_file(recording / name)
    assert [(record.received_at_ns, record.payload) for record in replay.records] == ROWS[name]
    assert replay.codes == {"SGD-BTC"}


def test_the_whole_recording_in_the_order_of_time(recording):
    replay = Replay.from_file(recording)
    together = sorted(row for rows in ROWS.values() for row in rows)
    assert [(record.received_at_ns, record.payload) for record in replay.records] == together


def test_a_row_without_a_time_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"type":"trade","code":"SGD-BTC"}\n')
    with pytest.raises(ValueError, match=r"line 1 .* neither a tab nor a received_at_ns"):
        Replay.from_file(path)


def test_a_directory_without_a_recording(tmp_path):
    with pytest.raises(ValueError, match="at least one message"):
        Replay.from_file(tmp_path)
