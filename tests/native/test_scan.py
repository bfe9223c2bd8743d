import json
import random
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flow.test_intake import CLASSES, GARBAGE, PAYLOADS, sample

from upbit_stream.native import native
from upbit_stream.wire.decoder import Unreadable, read_head

NAMES = {True: ("ty", "cd", "sid", "st"), False: ("type", "code", "sequential_id", "stream_type")}
SPACE = ["", "", "", " ", "\t", "\n", "\r\n", "  "]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4) | st.sampled_from(["ty", "code"]), inner)
    ),
    max_leaves=8,
)
ids = st.one_of(
    st.integers(0, 2**64), st.sampled_from([0, 1, 10**17, 10**18 - 1, 10**18, 17_600_000_000_000_000_123, -5, 1.5, 1e5])
)


def told(payload, simple):
    """The head as the scan tells it; None where it leaves it to the parser."""
    head = native.scan(payload, simple)
    return None if head is None else (head[0].decode(), head[1].decode(), head[2])


def agrees(payload, simple):
    head = native.scan(payload, simple)
    if head is None:
        return
    kind, code, trade_id = head
    whole = read_head(payload, simple)
    if isinstance(whole, Unreadable):  # the levels of a book may be any that stay on their line
        assert b'"obu"' in payload or b'"orderbook_units"' in payload
        [levels] = re.findall(rb"\[\{[^]]*\}\]", payload)
        assert levels.isascii()
        assert levels.decode().isprintable()
        whole = read_head(payload.replace(levels, b"[]"), simple)
    assert not isinstance(whole, Unreadable), whole.reason
    assert (whole.name, whole.market) == (kind.decode(), code.decode())
    if kind == b"trade":
        assert whole.trade_id == trade_id
        assert not whole.is_snapshot


@st.composite
def messages(draw, simple):
    """A JSON object with what a head is made of and other things, in any order and with any spaces."""
    kind, code, trade_id, stream = NAMES[simple]
    fields = [
        (kind, draw(st.sampled_from(["trade", "trade", "orderbook", "candle.1m", "", "tra\nde", "x"]))),
        (code, draw(st.sampled_from(["SGD-BTC", "SGD-ÄÖ", "", 'a"b', "한국"]))),
        (trade_id, draw(ids)),
        (stream, draw(st.sampled_from(["REALTIME", "SNAPSHOT"]))),
        *draw(st.lists(st.tuples(st.text(max_size=5), values), max_size=4)),
    ]
    if draw(st.booleans()):
        fields.append(draw(st.sampled_from(fields)))  # a key that comes twice
    fields = draw(st.permutations(fields))[draw(st.integers(0, 1)) :]
    chance = random.Random(draw(st.integers(0, 999)))
    spaced = draw(st.booleans())

    def space():
        return chance.choice(SPACE) if spaced else ""

    def text(value):
        return json.dumps(value, ensure_ascii=chance.random() < 0.3)

    inner = ",".join(f"{space()}{text(name)}{space()}:{space()}{text(value)}{space()}" for name, value in fields)
    return f"{{{inner}}}{space()}".encode("utf-8", "surrogatepass")


@given(st.booleans().flatmap(lambda simple: st.tuples(messages(simple), st.just(simple))))
def test_what_it_tells_is_what_the_parser_says(case):
    agrees(*case)


def test_the_plain_case_is_told():
    for payload in PAYLOADS:
        fields = json.loads(payload)
        expected = (fields["ty"], fields["cd"], fields.get("sid", 0))
        assert told(payload, True) == (None if fields["st"] == "SNAPSHOT" and fields["ty"] == "trade" else expected)
    assert told(b' { "type" : "ticker" ,\n"code":"A" , "x" : [1, {"a":[]}] } \n', False) == ("ticker", "A", 0)


@pytest.mark.parametrize(
    "rest",
    [
        b'"sid":17600000000000000123',  # more than 18 digits
        b'"sid":0',
        b'"sid":05',
        b'"sid":-5',
        b'"sid":5.0',
        b'"sid":1e5',
        b'"sid":"5"',
        b'"sid":5,"sid":6',
        b'"sid":5,"ty":"ticker"',
        b'"sid":5,"cd":"B"',
        b'"sid":5,"\\u0074y":"ticker"',
        b'"sid":5,"st":"SNAPSHOT"',
        b'"sid":5,"tms":null',
        b'"sid":5,"ttms":1.5',
        b'"sid":5,"tms":1e5',
        b'"sid":5,"x":"\xff"',
        b'"sid":5,"x":01',
        b'"sid":5,"x":1.',
        b'"sid":5,"x":-',
        b'"sid":5,"x":1e',
        b'"sid":5,"x":+1',
        b'"sid":5,"x":tru',
        b'"sid":5,"x":nul',
        b'"sid":5,"x":[1,]',
        b'"sid":5,"x":{"a":1,}',
        b'"sid":5,"x":{"a"}',
        b'"sid":5,"x":{1:2}',
        b'"sid":5,"x":[1}',
        b'"sid":5,"x":"\\q"',
        b'"sid":5,"x":"\\u12g4"',
        b'"sid":5,"x":"\x01"',
        b'"sid":5,"x":"\n"',
        b'"sid":5,"x":"a\x00b"',
        b'"sid":5,',
        b'"sid":5,"x":',
        b'"sid":5}{',
        b'"sid":5}}',
        b'"sid":5,"x":' + b"[" * 1_000 + b"]" * 1_000,
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(rest):
    assert told(b'{"ty":"trade","cd":"A",' + rest + b"}", True) is None


@given(st.booleans(), st.integers(0, 2**32))
def test_spoilt_bytes_are_never_told_as_a_message(simple, seed):
    chance = random.Random(seed)
    for _ in range(10):
        payload = bytearray(chance.choice(PAYLOADS) if simple else sample(chance.choice([*CLASSES]), "DEFAULT"))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(payload))
            payload[at : at + chance.randint(0, 2)] = chance.choice(
                [
                    b"",
                    b'"',
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b":",
                    b"-",
                    b".",
                    b"e9",
                    b"null",
                    b"\\",
                    b"\\u00",
                    b"\xff",
                    b"0",
                ]
            )
        agrees(bytes(payload), simple)


@pytest.mark.parametrize("simple", [False, True])
def test_every_beginning_of_a_message_is_read_without_looking_behind_it(simple):
    """Under the sanitizer a byte too many is seen."""
    long = msgspec.json.encode({**json.loads(PAYLOADS[0]), "x": ['a\\"b\n', 1.5e-7, True, False, None, {"y": []}]})
    payload = long if simple else sample("trade")
    for end in range(len(payload)):
        assert native.scan(payload[:end], simple) is None
        native.scan(payload[:end], simple, False)
    assert native.scan(payload, simple) is not None or simple


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_left_to_the_parser(garbage):
    for simple in (False, True):
        assert native.scan(garbage, simple) is None


def test_where_who_asks_decodes_later_it_stops_at_once():
    assert native.scan(b'{"type":"ticker","code":"A",garbage', False, False) == (b"ticker", b"A", 0)
    assert native.scan(b'{"type":"trade","code":"A",garbage', False, False) is None


@pytest.mark.parametrize("spoil", [b",", b":", b'"', b"{", b"}", b"[", b"]", b"\\", b"\n", b"\x00", b"\xc3", b"\x7f"])
def test_levels_whose_signs_are_not_those_of_levels_are_left_to_the_parser(spoil):
    level = b'{"ap":127.0,"bp":126.0,"as":1.5,"bs":2}'
    whole = b'{"ty":"orderbook","cd":"A","obu":[' + b",".join([level] * 15) + b'],"st":"REALTIME"}'
    assert told(whole, True) == ("orderbook", "A", 0)
    first, last = whole.index(b"["), whole.index(b"]")
    for at in range(first + 1, last):
        for payload in (whole[:at] + spoil + whole[at:], whole[:at] + spoil + whole[at + 1 :]):
            if native.scan(payload, True) is not None:
                json.loads(payload)  # raises where it is none
