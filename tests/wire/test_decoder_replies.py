"""What is no message of a known type: replies, unknown types, and what cannot be read."""

import json
from typing import Any

import pytest

from upbit_stream.errors import UsageError
from upbit_stream.model import messages as model
from upbit_stream.wire.decoder import (
    Decoder,
    ErrorReply,
    Registered,
    StatusReply,
    SubscriptionsReply,
    Unreadable,
    read_head,
    split,
)

from . import documented as doc

every_format = pytest.mark.parametrize("wire_format", doc.FORMATS)


def decode(payload: bytes, wire_format: str = "DEFAULT") -> Any:
    (found,) = Decoder(wire_format).decode(payload, doc.NOW)
    return found


@every_format
@pytest.mark.parametrize(
    ("item", "code"),
    [
        (b'{"type":"liquidation","code":"SGD-BTC",  "x":[1.50,{}]}', "SGD-BTC"),
        (b'{"ty":"liquidation","cd":"SGD-BTC"}', "SGD-BTC"),
        (b'{"type":"liquidation"}', ""),
        (b'{"type":"liquidation","code":null}', ""),
        (b'{"type":"liquidation","code":["SGD-BTC"],"cd":5}', ""),
        (b'{"type":"liquidation","status":3,"method":"x","error":"none"}', ""),
        (b'{"type":"liquidation","status":"UP","error":null}', ""),
    ],
)
def test_an_unknown_type_is_handed_over_byte_for_byte(item, code, wire_format):
    wanted = model.Unknown(type="liquidation", code=code, payload=item, received_at_ns=doc.NOW)
    assert Decoder(wire_format).decode(item, doc.NOW) == [wanted]
    assert Decoder(wire_format).decode(b" [" + item + b" , " + item + b"]", doc.NOW) == [wanted, wanted]
    assert wanted.content == json.loads(item)


@pytest.mark.parametrize("kind", ["candle.2m", "candle", "Trade", "trade ", "myorder"])
def test_a_type_of_another_spelling_is_an_unknown_one(kind):
    found = decode(json.dumps({"type": kind, "code": "SGD-BTC"}).encode())
    assert type(found) is model.Unknown
    assert found.type == kind


# replies


@every_format
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("item", "reply"),
    [
        ({"error": {"name": "WRONG_FORMAT", "message": "형식 \n"}}, ErrorReply("WRONG_FORMAT", "형식 \n")),
        ({"error": {"message": "m", "name": "NO_CODES", "since": 2027}}, ErrorReply("NO_CODES", "m")),
        ({"error": {"name": "INVALID_AUTH"}}, ErrorReply("INVALID_AUTH", "")),
        ({"error": {"name": "INVALID_AUTH", "message": None}}, ErrorReply("INVALID_AUTH", "")),
        ({"status": "UP"}, StatusReply("UP")),
        (
            {
                "method": "LIST_SUBSCRIPTIONS",
                "result": [
                    {"type": "orderbook", "codes": ["KRW-BTC", "KRW-ETH"], "level": 10000},
                    {"type": "candle.1m", "codes": ["KRW-BTC"], "new": {}},
                    {"type": "myAsset"},
                    {"type": "myOrder", "codes": None},
                ],
                "ticket": "t-1",
            },
            SubscriptionsReply(
                "t-1",
                (
                    Registered("orderbook", ("KRW-BTC", "KRW-ETH")),
                    Registered("candle.1m", ("KRW-BTC",)),
                    Registered("myAsset"),
                    Registered("myOrder"),
                ),
            ),
        ),
        (
            {
                "mthd": "LIST_SUBSCRIPTIONS",
                "rslt": [{"ty": "trade", "cds": ["SGD-BTC"]}, {"ty": "orderbook", "cds": ["SGD-BTC.15"], "lv": 0}],
                "tckt": "t-2",
            },
            SubscriptionsReply("t-2", (Registered("trade", ("SGD-BTC",)), Registered("orderbook", ("SGD-BTC.15",)))),
        ),
        ({"method": "LIST_SUBSCRIPTIONS", "result": [], "ticket": "t"}, SubscriptionsReply("t", ())),
        ({"mthd": "LIST_SUBSCRIPTIONS", "rslt": [], "tckt": "t"}, SubscriptionsReply("t", ())),
    ],
)
def test_replies_are_read_on_a_connection_of_any_format(item, reply, wrapped, wire_format):
    assert decode(json.dumps([item] if wrapped else item).encode(), wire_format) == reply


@every_format
def test_a_reply_between_messages_of_a_list_loses_none_of_them(wire_format):
    trade = doc.write(doc.shortened(doc.example("trade")))
    found = Decoder(wire_format).decode(f'[{trade},{{"status":"UP"}},{trade}]'.encode(), doc.NOW)
    assert [type(item) for item in found] == [model.Trade, StatusReply, model.Trade]


# what cannot be read


@every_format
@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "truncated"),
        (b" \n", "truncated"),
        (b"PING", "malformed"),
        (b"{}", "names no type"),
        (b'{"type":5}', "names no type"),
        (b'{"type":""}', "names no type"),
        (b'{"error":"nothing"}', "names no type"),
        (b'"trade"', "Expected `object`"),
        (b'{"type":"trade","code":"SGD-BTC"}', "missing required field `timestamp`"),
        (b'{"ty":"trade","cd":5}', "got `int`"),
        (b"[1", "truncated"),
        (b'{"type":"trade","code":"\xff"}', "utf-8"),
    ],
)
def test_what_cannot_be_read_says_why(payload, reason, wire_format):
    found = decode(payload, wire_format)
    assert type(found) is Unreadable
    assert found.payload == payload
    assert reason in found.reason


@every_format
def test_one_bad_object_in_a_list_spoils_no_other(wire_format):
    trade = doc.write(doc.shortened(doc.example("trade"))).encode()
    found = Decoder(wire_format).decode(b'[{"ty":"trade"},' + trade + b",7,[]]", doc.NOW)
    assert [type(item) for item in found] == [Unreadable, model.Trade, Unreadable, Unreadable]
    assert [item.payload for item in found if isinstance(item, Unreadable)] == [b'{"ty":"trade"}', b"7", b"[]"]


def test_a_format_of_another_name_is_a_usage_error():
    with pytest.raises(UsageError, match="'simple'.*DEFAULT, SIMPLE, JSON_LIST, SIMPLE_LIST"):
        Decoder("simple")


def test_a_head_tells_type_and_market_of_both_spellings():
    heads = [read_head(b'{"type":"trade","code":"A-B"}'), read_head(b'{"ty":"trade","cd":"A-B"}')]
    assert [(head.name, head.market, head.is_reply) for head in heads] == [("trade", "A-B", False)] * 2
    assert read_head(b'{"status":"UP"}').is_reply
    assert read_head(b'{"error":{"name":"X","message":"y"}}').is_reply
    assert read_head(b'{"mthd":"LIST_SUBSCRIPTIONS"}').is_reply


def test_splitting_keeps_each_object_byte_for_byte():
    assert split(b' {"a" : 1}') == [b' {"a" : 1}']
    assert split(b'\n[ {"a" : 1.50} ,{}, 7 ]') == [b'{"a" : 1.50}', b"{}", b"7"]
