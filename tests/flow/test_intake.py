import json
import random
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.flow.intake import Intake
from upbit_stream.flow.lane import Sink
from upbit_stream.model import messages as model
from upbit_stream.model.raw import RawMessage
from upbit_stream.model.subscription import TYPES
from upbit_stream.wire import names
from upbit_stream.wire.decoder import Decoder, ErrorReply, StatusReply, SubscriptionsReply
from upbit_stream.wire.requests import FORMATS

CAPTURE = Path(__file__).parents[1] / "captures" / "upbit-kr-2021-04-17.tsv"
PAYLOADS = [line.split(b"\t", 1)[1] for line in CAPTURE.read_bytes().splitlines()]

CLASSES: dict[str, tuple[type[Any], Mapping[str, str]]] = {
    "ticker": (model.Ticker, names.TICKER),
    "trade": (model.Trade, names.TRADE),
    "orderbook": (model.OrderBook, names.ORDERBOOK),
    "myOrder": (model.MyOrder, names.MY_ORDER),
    "myAsset": (model.MyAsset, names.MY_ASSET),
    "announcement": (model.Announcement, names.ANNOUNCEMENT),
    "indicator": (model.Indicator, names.INDICATOR),
    "indicator_signal": (model.IndicatorSignal, names.INDICATOR_SIGNAL),
    **{kind: (model.Candle, names.CANDLE) for kind in TYPES if kind.startswith("candle.")},
}
VALUES = {float: 1.5, str: "SGD-BTC", int: 7}


def sample(kind, wire_format="DEFAULT"):
    """A message of a type with all that is required, in one of the formats."""
    public, short = CLASSES[kind]
    simple = wire_format.startswith("SIMPLE")
    fields = {"ty" if simple else "type": kind}
    for field in msgspec.structs.fields(public):
        if field.required and field.name != "type":
            fields[short[field.name] if simple else field.name] = VALUES.get(
                field.type, {} if "dict" in str(field.type) else []
            )
    if kind == "myAsset":
        asset = {"currency": "SGD", "balance": "0.1", "locked": "0"}
        asset = {names.ASSET[name]: value for name, value in asset.items()} if simple else asset
        fields["ast" if simple else "assets"] = [asset]
    return msgspec.json.encode([fields] if wire_format.endswith("_LIST") else fields)


class Outlet:
    """Stands for the hub: says who consumes, and remembers what it is told."""

    def __init__(self, *consumers, taps=(), decodes=True):
        self.taps = tuple(taps)
        self.sinks: tuple[Sink | None, ...] = (None,) * len(self.taps)
        self.all = consumers if decodes else ()
        self.lazy = ()
        self.asked = []
        self.failed = []
        self.tap_errors = []
        self.events = []

    def consumers(self, kind):
        self.asked.append(kind)
        return self.all

    def lazy_consumers(self, kind):
        return self.lazy

    def consumer_failed(self, consumer, error):
        self.failed.append((consumer, error))

    def tap_failed(self, error):
        self.tap_errors.append(error)

    def emit(self, event):
        self.events.append(event)


class Bench:
    """An intake with one consumer that keeps all."""

    def __init__(self, wire_format="DEFAULT", *consumers, exact=False, taps=(), decodes=True, decode=None):
        self.got: list[Any] = []
        self.replies = []
        self.now = 100
        self.outlet = Outlet(self.got.append, *consumers, taps=taps, decodes=decodes)
        decoder = Decoder(wire_format, exact=exact)
        decoder.fast = decode or decoder.fast
        self.intake = Intake("public", decoder, self.outlet, self.replies.append, lambda: self.now)

    def receive(self, *payloads):
        for payload in payloads:
            self.intake.receive(payload)
        return self

    @property
    def counted(self):
        return {name: count for name, count in self.intake.counts.items() if count}


# dispatch


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("kind", CLASSES)
def test_every_type_arrives_as_its_class_with_its_time(kind, wire_format):
    bench = Bench(wire_format)
    bench.now = 123_456
    [message] = bench.receive(sample(kind, wire_format)).got
    assert type(message) is CLASSES[kind][0]
    assert (message.type, message.received_at_ns) == (kind, 123_456)
    assert bench.counted == {kind.partition(".")[0]: 1}
    assert type(message)(**{name: getattr(message, name) for name in message.__struct_fields__}) == message


@pytest.mark.parametrize("asked", FORMATS)
@pytest.mark.parametrize("sent", FORMATS)
def test_another_format_than_the_one_asked_for_is_read_too(asked, sent):
    """After LIST_SUBSCRIPTIONS in another format the exchange changes that of the live streams."""
    bench = Bench(asked).receive(*(sample(kind, sent) for kind in CLASSES))
    assert [(type(message), message.type) for message in bench.got] == [
        (public, kind) for kind, (public, _) in CLASSES.items()
    ]
    assert bench.counted["candle"] == 9
    assert bench.intake.malformed == 0


@pytest.mark.parametrize("exact", [False, True])
def test_captured_traffic_arrives_whole(exact):
    bench = Bench("SIMPLE", exact=exact).receive(*PAYLOADS)
    kinds = [json.loads(payload)["ty"] for payload in PAYLOADS]
    assert [message.type for message in bench.got] == kinds
    assert bench.counted == {kind: kinds.count(kind) for kind in set(kinds)}
    number = Decimal if exact else float
    for payload, message in zip(PAYLOADS, bench.got, strict=True):
        plain = json.loads(payload, parse_float=number)
        if message.type == "trade":
            assert message.trade_price == plain["tp"]
        else:
            assert [unit.ask_size for unit in message.orderbook_units] == [unit["as"] for unit in plain["obu"]]


def test_the_elements_of_a_list_arrive_in_their_order():
    items = [json.loads(sample(kind)) for kind in ("trade", "candle.1m", "ticker", "candle.1s", "myAsset")]
    bench = Bench("JSON_LIST").receive(msgspec.json.encode(items))
    assert [message.type for message in bench.got] == ["trade", "candle.1m", "ticker", "candle.1s", "myAsset"]
    assert bench.counted == {"trade": 1, "candle": 2, "ticker": 1, "myAsset": 1}


@pytest.mark.parametrize("wire_format", FORMATS)
def test_an_unknown_type_arrives_as_it_came(wire_format):
    payload = b'{"type": "funding", "code": "SGD-BTC", "rate" : 1}'
    bench = Bench(wire_format).receive(b"[%b]" % payload if wire_format.endswith("LIST") else payload)
    assert bench.got == [model.Unknown(type="funding", code="SGD-BTC", payload=payload, received_at_ns=100)]
    assert bench.counted == {"unknown": 1}


# what is no message

GARBAGE = [
    b"",
    b"nonsense",
    b"{",
    b"null",
    b"17",
    b"{}",
    b'{"code":"SGD-BTC"}',
    b'{"type":"trade"}',
    b'{"type":"trade","code":7}',
    b'{"type":7}',
    b'"\xff"',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"type":"trade","trade_price":1e999999999999}',
    b"\x00" * 10,
]


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("taps", [(), (lambda raw: None,)], ids=["", "tap"])
def test_garbage_is_told_and_counted_and_the_session_goes_on(wire_format, taps):
    bench = Bench(wire_format, taps=taps).receive(*GARBAGE)
    assert bench.got == []
    assert bench.intake.malformed == len(GARBAGE)
    assert [event.payload for event in bench.outlet.events] == [payload[:4_096] for payload in GARBAGE]
    assert all(event.reason and event.endpoint == "public" and event.at_ns == 100 for event in bench.outlet.events)
    assert bench.receive(sample("trade", wire_format)).counted == {"trade": 1}


@pytest.mark.parametrize("wire_format", FORMATS)
def test_where_only_taps_listen_what_names_no_type_is_told_too(wire_format):
    nameless = [payload for payload in GARBAGE if b'"type":"trade"' not in payload]
    bench = Bench(wire_format, taps=[lambda raw: None], decodes=False).receive(*nameless)
    assert [event.payload for event in bench.outlet.events] == [payload[:4_096] for payload in nameless]
    assert bench.intake.malformed == len(nameless)


def test_one_broken_element_of_a_list_costs_no_other():
    good = sample("trade").decode()
    bench = Bench("JSON_LIST").receive(f'[{good},{{"type":"trade"}},{good},7]'.encode())
    assert len(bench.got) == 2
    assert [event.payload for event in bench.outlet.events] == [b'{"type":"trade"}', b"7"]
    assert bench.intake.malformed == 2


@given(st.sampled_from(FORMATS), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_nothing_that_comes_can_raise(wire_format, taps, decodes, seed):
    """Captured messages with a few bytes changed, cut, repeated, or put into a list."""
    chance = random.Random(seed)
    bench = Bench(wire_format, taps=[lambda raw: None] * taps, decodes=decodes)
    for _ in range(8):
        payload = bytearray(chance.choice(PAYLOADS) if chance.random() < 0.7 else sample("myAsset", wire_format))
        for _ in range(chance.randint(0, 4)):
            at = chance.randrange(len(payload))
            payload[at : at + chance.randint(0, 3)] = chance.choice(
                [b"", b'"', b"{", b"}", b"[", b"]", b",", b":", b"-", b"1e9", b"null", b"\xff", b"\x00", b"99999999"]
            )
        bench.receive(bytes(payload[: chance.randint(0, len(payload))] if chance.random() < 0.2 else payload))
        if chance.random() < 0.3:
            bench.receive(b"[%b,%b]" % (bytes(payload), chance.choice(PAYLOADS)))
    for message in bench.got:
        assert message.received_at_ns == 100


# replies

REPLIES = [
    (b'{"error":{"name":"NO_TYPE","message":"no"}}', ErrorReply("NO_TYPE", "no")),
    (b'{"status":"UP"}', StatusReply("UP")),
    (b'{"method":"LIST_SUBSCRIPTIONS","result":[],"ticket":"t"}', SubscriptionsReply("t", ())),
    (b'{"mthd":"LIST_SUBSCRIPTIONS","rslt":[],"tckt":"t"}', SubscriptionsReply("t", ())),
]


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("taps", "decodes"), [(0, True), (1, True), (1, False)])
def test_replies_reach_the_session_in_all_formats(wire_format, wrapped, taps, decodes):
    tapped = []
    bench = Bench(wire_format, taps=[tapped.append] * taps, decodes=decodes)
    for payload, _ in REPLIES:
        bench.receive(b"[%b]" % payload if wrapped else payload)
    assert bench.replies == [reply for _, reply in REPLIES]
    assert (bench.got, tapped, bench.counted) == ([], [], {})


@pytest.mark.parametrize("decodes", [False, True])
def test_a_reply_in_one_list_with_data_reaches_the_session(decodes):
    tapped = []
    bench = Bench("JSON_LIST", taps=[tapped.append], decodes=decodes)
    bench.receive(b'[%b,{"status":"UP"}]' % sample("trade"))
    assert bench.replies == [StatusReply("UP")]
    assert [raw.type for raw in tapped] == ["trade"]
    assert bench.counted == {"trade": 1}


# taps


@pytest.mark.parametrize("decodes", [False, True])
def test_a_tap_gets_each_object_byte_for_byte(decodes):
    tapped = []
    bench = Bench("SIMPLE", taps=[tapped.append], decodes=decodes).receive(*PAYLOADS)
    assert [raw.payload for raw in tapped] == PAYLOADS
    assert {(raw.type, raw.code) for raw in tapped} == {
        (json.loads(payload)["ty"], json.loads(payload)["cd"]) for payload in PAYLOADS
    }
    assert {raw.received_at_ns for raw in tapped} == {100}
    assert bool(bench.got) == decodes


def test_a_tap_gets_the_elements_of_a_list_each_as_it_stood():
    tapped = []
    items = [b'{ "type" : "trade" , "code":"A"}', b'{"type":"x","n":1.50}', b"7"]
    Bench("JSON_LIST", taps=[tapped.append]).receive(b" [" + b" ,\n ".join(items) + b"] ")
    assert [(raw.payload, raw.type) for raw in tapped] == list(zip(items, ["trade", "x", ""], strict=True))


@pytest.mark.parametrize("wire_format", FORMATS)
def test_a_tap_gets_what_cannot_be_decoded_too(wire_format):
    tapped = []
    Bench(wire_format, taps=[tapped.append], decodes=False).receive(*GARBAGE)
    assert [raw.payload for raw in tapped] == GARBAGE


def test_a_tap_comes_before_decoding():
    order = []
    bench = Bench("DEFAULT", lambda message: order.append("message"), taps=[lambda raw: order.append("raw")])
    bench.receive(sample("trade"))
    assert order == ["raw", "message"]


def test_without_other_consumers_nothing_is_decoded_but_counted():
    bench = Bench("SIMPLE", taps=[lambda raw: None], decodes=False, decode=lambda _: pytest.fail("decoded"))
    bench.receive(*PAYLOADS, b'{"ty":"funding"}')
    kinds = [json.loads(payload)["ty"] for payload in PAYLOADS]
    assert bench.counted == {**{kind: kinds.count(kind) for kind in set(kinds)}, "unknown": 1}
    assert bench.got == []


def test_a_tap_that_raises_is_told_and_the_others_still_get_the_message():
    error = OSError("no space left on device")

    def full(raw: RawMessage) -> None:
        raise error

    tapped = []
    bench = Bench("DEFAULT", taps=[full, tapped.append]).receive(sample("trade"))
    assert bench.outlet.tap_errors == [error]
    assert len(tapped) == len(bench.got) == 1


# consumers


@pytest.mark.parametrize("payload", [sample("trade"), sample("trade", "SIMPLE"), b'{"type":"funding"}'])
def test_a_handler_that_raises_stops_no_other(payload):
    error = RuntimeError("a mistake of the user's")

    def wrong(message):
        raise error

    after = []
    bench = Bench("DEFAULT", wrong, after.append).receive(payload, payload)
    assert len(bench.got) == len(after) == 2
    assert bench.outlet.failed == [(wrong, error)] * 2


def test_consumers_that_come_while_a_message_is_delivered_get_the_next():
    late = []

    def join(message):
        bench.outlet.all = (*bench.outlet.all[:2], late.append)
        bench.intake.refresh()

    bench = Bench("DEFAULT", join)
    bench.receive(sample("trade"))
    assert late == []
    bench.receive(sample("trade"))
    assert len(late) == 1


def test_who_consumes_a_known_type_is_not_asked_for_each_message():
    bench = Bench("JSON_LIST")
    asked = len(bench.outlet.asked)
    bench.receive(*[sample("trade", "JSON_LIST")] * 10)
    assert len(bench.outlet.asked) == asked
