import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.record.line import ROW_END, malformed_line, message_line

NS = st.integers(min_value=0, max_value=2**63 - 1)
WHITE = st.text(" \t\r\n", max_size=30).map(str.encode)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text().filter(lambda key: key != "received_at_ns"), VALUES)


@settings(deadline=None)
@given(OBJECTS, NS, WHITE, WHITE, WHITE, st.sampled_from([None, 1, "\r", "\t"]))
def test_a_row_is_the_object_with_the_time_as_its_last_key(value, ns, inside, before_brace, after, indent):
    compact = json.dumps(value, indent=indent).encode()
    payload = b"{" + inside + compact[1:-1] + before_brace + b"}" + after

    line = message_line(payload, ns)

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    pairs = json.loads(line, object_pairs_hook=list)
    assert pairs == [*json.loads(payload, object_pairs_hook=list), ("received_at_ns", ns)]
    assert ROW_END.search(line)


@settings(deadline=None)
@given(OBJECTS, NS)
def test_a_row_starts_with_the_very_bytes_of_the_payload(value, ns):
    payload = json.dumps(value, ensure_ascii=False).encode()
    assert message_line(payload, ns).startswith(payload[:-1])


def test_numbers_are_not_touched():
    payload = b'{"type":"myAsset","assets":[{"balance":1386929.37231066771348207123, "locked":0.10}]}'
    assert message_line(payload, 7) == payload[:-1] + b',"received_at_ns":7}\n'


@pytest.mark.parametrize(
    ("payload", "line"),
    [
        (b"{}", b'{"received_at_ns":5}\n'),
        (b"{ }", b'{ "received_at_ns":5}\n'),
        (b"{" + b" " * 100 + b"}\n", b"{" + b" " * 100 + b'"received_at_ns":5}\n'),
        (b'{"a":1}\r\n', b'{"a":1,"received_at_ns":5}\n'),
        (b'{"a":\n1 }', b'{"a": 1 ,"received_at_ns":5}\n'),
        (b'{"a":{}}', b'{"a":{},"received_at_ns":5}\n'),
        (b'{"a":"\\n"}', b'{"a":"\\n","received_at_ns":5}\n'),
    ],
)
def test_forms_of_an_object(payload, line):
    assert message_line(payload, 5) == line


@settings(deadline=None)
@given(st.binary(), NS)
def test_a_malformed_payload_can_be_had_back(payload, ns):
    from base64 import b64decode

    line = malformed_line(payload, ns)
    row = json.loads(line)
    assert line.count(b"\n") == 1
    assert ROW_END.search(line)
    assert row["received_at_ns"] == ns
    assert b64decode(row["payload_base64"]) == payload
