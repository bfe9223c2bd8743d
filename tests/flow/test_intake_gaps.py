"""What an intake does besides delivering: copies, taps without decoding, guards, what REST brought."""

import asyncio
import json

import msgspec
import pytest
from tests.flow.gaps import SECOND, START_NS, in_time, subscriptions, time_ns
from tests.flow.test_intake import Outlet, sample

from upbit_stream.flow.continuity import Continuity
from upbit_stream.flow.intake import Intake
from upbit_stream.flow.lane import ATTENTIVE, DIRECT
from upbit_stream.model.messages import Candle, MyAsset, Trade
from upbit_stream.wire.decoder import Decoder
from upbit_stream.wire.names import CANDLE, TICKER, TRADE
from upbit_stream.wire.requests import FORMATS

SHORT = {"trade": TRADE, "ticker": TICKER, "candle.1m": CANDLE}


def message(kind, wire_format="DEFAULT", **values):
    """One object of a type, with these values."""
    is_simple = wire_format.startswith("SIMPLE")
    fields = json.loads(sample(kind, wire_format.removesuffix("_LIST").replace("JSON", "DEFAULT")))
    fields.update({SHORT[kind][name] if is_simple else name: value for name, value in values.items()})
    return msgspec.json.encode(fields)


def listed(wire_format, *items):
    """Payloads as they come: one for each object, or one list."""
    return [b"[%b]" % b",".join(items)] if wire_format.endswith("_LIST") else [*items]


class Bench:
    """An intake on a continuity that tells trades apart, with one consumer that keeps all."""

    def __init__(self, wire_format="DEFAULT", *, taps=(), decodes=True, endpoint="public", **options):
        self.got = []
        self.told = []
        self.outlet = Outlet(self.got.append, taps=taps, decodes=decodes)
        self.continuity = Continuity(time_ns=time_ns, emit=self.told.append, tells_apart=True, **options)
        self.format = wire_format
        self.endpoint = endpoint
        self.intake = self.session()

    def session(self):
        decoder = Decoder(self.format, exact=False)
        return Intake(self.endpoint, decoder, self.outlet, lambda reply: None, time_ns, 1, self.continuity)

    def receive(self, *items):
        for payload in listed(self.format, *items):
            self.intake.receive(payload)
        return self

    @property
    def counted(self):
        return {name: count for name, count in self.intake.counts.items() if count}

    @property
    def copies(self):
        return {name: count for name, count in self.intake.copies.items() if count}


def ids(bench):
    return [item.sequential_id for item in bench.got]


# copies


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("taps", [(), (lambda raw: None,)], ids=["", "tap"])
def test_a_trade_that_comes_twice_is_delivered_once_and_counted(wire_format, taps):
    bench = Bench(wire_format, taps=taps)
    told = [(1, "A"), (2, "A"), (1, "A"), (1, "B"), (2, "A")]
    bench.receive(*(message("trade", wire_format, sequential_id=number, code=code) for number, code in told))
    assert [(item.sequential_id, item.code) for item in bench.got] == [(1, "A"), (2, "A"), (1, "B")]
    assert (bench.counted, bench.copies) == ({"trade": 5}, {"trade": 2})
    assert all(type(item) is Trade and item.received_at_ns == START_NS for item in bench.got)


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("taps", [(), (lambda raw: None,)], ids=["", "tap"])
def test_an_older_word_on_a_candle_is_not_delivered(wire_format, taps):
    bench = Bench(wire_format, taps=taps)
    words = [(5, 1.0), (6, 2.0), (5, 1.5), (6, 2.0), (7, 3.0)]
    bench.receive(
        *(message("candle.1m", wire_format, timestamp=at, candle_acc_trade_volume=volume) for at, volume in words)
    )
    assert [item.timestamp for item in bench.got] == [5, 6, 6, 7]
    assert all(type(item) is Candle for item in bench.got)
    assert (bench.counted, bench.copies) == ({"candle": 5}, {"candle": 1})


@pytest.mark.parametrize("wire_format", FORMATS)
def test_of_two_connections_each_message_is_delivered_once(wire_format):
    bench = Bench(wire_format, is_redundant=True)
    second = bench.session()
    items = [
        message("trade", wire_format, sequential_id=1),
        message("ticker", wire_format, timestamp=5, stream_type="SNAPSHOT"),
        message("candle.1m", wire_format, timestamp=5),
    ]
    bench.receive(*items)
    again = [items[0], message("ticker", wire_format, timestamp=5, stream_type="REALTIME"), items[2]]
    for payload in listed(wire_format, *again):
        second.receive(payload)
    assert [item.type for item in bench.got] == ["trade", "ticker", "candle.1m"]
    assert bench.copies == {}
    assert {name: count for name, count in second.copies.items() if count} == {"trade": 1, "ticker": 1, "candle": 1}


@pytest.mark.parametrize("wire_format", FORMATS)
def test_when_a_type_was_received_last_is_noted_on_every_way(wire_format):
    async def body():
        tapped = []
        for options in ({}, {"taps": [tapped.append]}, {"taps": [tapped.append], "decodes": False}):
            bench = Bench(wire_format, **options)
            bench.receive(message("ticker", wire_format, code="A"), message("trade", wire_format, code="A"))
            assert bench.continuity.last["ticker"] == {"A": time_ns()}
            assert "trade" not in {kind for kind, codes in bench.continuity.last.items() if codes}
            assert bench.continuity.was_received("A", 7, ever=True)
            await asyncio.sleep(1)

    in_time(body)


def test_balances_have_no_code_and_are_noted_too():
    for wire_format in FORMATS:
        bench = Bench(wire_format, endpoint="private")
        bench.receive(sample("myAsset", wire_format.removesuffix("_LIST").replace("JSON", "DEFAULT")))
        assert type(bench.got[0]) is MyAsset
        assert bench.continuity.last["myAsset"] == {"": START_NS}


# taps


@pytest.mark.parametrize("decodes", [False, True])
def test_a_tap_gets_what_is_delivered_and_no_copy(decodes):
    tapped = []
    bench = Bench(taps=[tapped.append], decodes=decodes)
    items = [message("trade", sequential_id=1), message("ticker"), message("candle.1m", timestamp=6)]
    old = message("candle.1m", timestamp=5)
    bench.receive(*items, items[0], old, items[1])
    assert [raw.payload for raw in tapped] == [*items, items[1]]
    assert bench.counted == {"trade": 2, "ticker": 2, "candle": 2}
    assert bench.copies == {"trade": 1, "candle": 1}
    assert len(bench.got) == (4 if decodes else 0)


def test_where_only_taps_listen_only_what_has_a_guard_is_decoded():
    bench = Bench(taps=[lambda raw: None], decodes=False)
    decoded = []
    decode = bench.intake._decoder.decode

    def noting(payload, received_at_ns=None):
        decoded.append(json.loads(payload)["type"])
        return decode(payload, received_at_ns)

    bench.intake._decoder.decode = noting
    bench.receive(message("trade"), message("ticker"), message("candle.1m"))
    assert decoded == ["candle.1m"]


def test_a_guarded_message_that_cannot_be_decoded_reaches_the_tap():
    tapped = []
    bench = Bench(taps=[tapped.append])
    broken = b'{"type":"candle.1m","code":"SGD-BTC"}'
    bench.receive(broken)
    assert [raw.payload for raw in tapped] == [broken]
    assert bench.intake.malformed == 1
    assert bench.got == []


def test_who_watches_a_type_is_told_once_of_each_message():
    for taps, decodes in (((), True), ((lambda raw: None,), True), ((lambda raw: None,), False)):
        seen = []
        bench = Bench(endpoint="private", taps=taps, decodes=decodes)
        bench.continuity.watch("myAsset", seen.append)
        bench.intake = bench.session()
        bench.receive(sample("myAsset"), sample("myAsset"))
        assert len(seen) == 2
        assert len(bench.got) == (2 if decodes else 0)


# gaps


@pytest.mark.parametrize("wire_format", FORMATS)
def test_a_gap_is_told_before_the_first_message_after_it_and_then_attention_ends(wire_format):
    async def body():
        bench = Bench(wire_format)
        bench.told = bench.got  # in one list
        bench.continuity._emit = bench.got.append
        wanted = subscriptions("trade:SGD-BTC")
        bench.intake.asking(wanted, "connected")
        bench.intake.registered(wanted)
        assert bench.intake.receive.mode == ATTENTIVE
        bench.receive(message("trade", wire_format, sequential_id=1, stream_type="SNAPSHOT"))
        assert bench.intake.receive.mode == DIRECT
        bench.continuity.ended(bench.intake, "lost")
        bench.intake = bench.session()
        bench.intake.asking(wanted, "connected")
        await asyncio.sleep(2)
        bench.receive(
            message("trade", wire_format, sequential_id=1, stream_type="SNAPSHOT"),
            message("trade", wire_format, sequential_id=2),
        )
        assert [item.type for item in bench.got] == ["trade", "gap", "trade"]
        assert bench.got[1].to_ns == START_NS + 2 * SECOND
        assert bench.got[2].sequential_id == 2

    in_time(body)


def test_that_the_exchange_was_heard_of_is_noted_with_attention():
    async def body():
        bench = Bench(is_redundant=True)
        await asyncio.sleep(3)
        bench.receive(message("trade"))
        assert bench.intake.alive_ns == START_NS + 3 * SECOND
        await asyncio.sleep(3)
        bench.receive(b'{"status":"UP"}')
        assert bench.intake.alive_ns == START_NS + 6 * SECOND
        await asyncio.sleep(3)
        bench.intake.alive()
        assert bench.intake.alive_ns == START_NS + 9 * SECOND

    in_time(body)


# what REST brought


@pytest.mark.parametrize("wire_format", FORMATS)
@pytest.mark.parametrize("taps", [0, 1])
def test_what_was_recovered_is_tapped_and_delivered_like_any_other(wire_format, taps):
    tapped = []
    bench = Bench(wire_format, taps=[tapped.append] * taps)
    items = [
        message("trade", wire_format, sequential_id=1, stream_type="RECOVERED"),
        message("candle.1m", wire_format, timestamp=5, stream_type="RECOVERED"),
    ]
    for item in items:
        bench.intake.recovered(item)
    assert [(type(item), item.stream_type, item.received_at_ns) for item in bench.got] == [
        (Trade, "RECOVERED", START_NS),
        (Candle, "RECOVERED", START_NS),
    ]
    assert [raw.payload for raw in tapped] == items * taps
    assert bench.counted == {"trade": 1, "candle": 1}


def test_a_recovered_trade_that_came_meanwhile_is_a_copy_and_the_other_way_round():
    bench = Bench()
    bench.receive(message("trade", sequential_id=1))
    for number in (1, 2):
        bench.intake.recovered(message("trade", sequential_id=number, stream_type="RECOVERED"))
    bench.receive(message("trade", sequential_id=2))
    assert [(item.sequential_id, item.stream_type) for item in bench.got] == [(1, "SGD-BTC"), (2, "RECOVERED")]
    assert bench.copies == {"trade": 2}


def test_a_recovered_candle_that_is_older_than_the_stream_is_not_delivered():
    bench = Bench()
    bench.receive(message("candle.1m", timestamp=6))
    bench.intake.recovered(message("candle.1m", timestamp=5, stream_type="RECOVERED"))
    assert [item.timestamp for item in bench.got] == [6]
    assert (bench.counted, bench.copies) == ({"candle": 2}, {"candle": 1})


def test_where_only_taps_listen_what_is_recovered_is_tapped_and_known():
    tapped = []
    bench = Bench(taps=[tapped.append], decodes=False)
    bench.intake.recovered(message("trade", sequential_id=9, stream_type="RECOVERED"))
    assert len(tapped) == 1
    assert bench.got == []
    assert bench.continuity.was_received("SGD-BTC", 9, ever=True)


def test_what_is_kept_back_is_tapped_and_counted_and_not_yet_delivered():
    kept, tapped = [], []

    def holds(item):
        kept.append(item)
        return True

    bench = Bench(taps=[tapped.append], holds=holds)
    bench.continuity.holding = True
    bench.intake.attend()
    bench.receive(message("trade", sequential_id=1))
    assert (len(kept), len(tapped), bench.got) == (1, 1, [])
    assert bench.counted == {"trade": 1}
    bench.intake.deliver(kept[0])
    assert bench.got == kept
    assert bench.counted == {"trade": 1}


def test_a_recovered_payload_that_is_none_is_told():
    bench = Bench()
    bench.intake.recovered(b"nonsense")
    assert bench.intake.malformed == 1
    assert [event.payload for event in bench.outlet.events] == [b"nonsense"]
