import contextlib
import gc
import json
import random
import time
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flow.test_intake import CLASSES, GARBAGE, PAYLOADS, REPLIES, sample
from tests.native.lanes import Watched

from upbit_stream.model.messages import Trade
from upbit_stream.native import native
from upbit_stream.wire.decoder import Decoder
from upbit_stream.wire.requests import FORMATS

KINDS = [*CLASSES]
LISTENERS = [
    (["consume"], [], []),
    (["consume"], ["tap"], []),
    ([], ["tap"], []),
    ([], [], []),
    (["refuse", "consume"], ["spoil", "tap"], []),
    ([], [], ["take_raw"]),
    ([], ["tap"], ["take_raw"]),
    ([], ["tap"], [], ["tap"]),
    ([], ["spoil", "tap"], [], ["spoil", "tap"]),
    ([], ["tap", "spoil"], ["take_raw"], ["spoil"]),
    (["consume"], ["tap"], [], ["tap"]),
    ([], ["spoil"], ["take_raw", "take_raw"]),
]
SPOILT = [b"", b'"', b"{", b"}", b"[", b"]", b",", b":", b"-", b"null", b"\\", b"\xff", b"\x00", b"9"]


def varied(chance, wire_format):
    """One message with a code and an id of a few, so that some come twice."""
    kind = chance.choice(["trade", "trade", "trade", *KINDS])
    payload = json.loads(sample(kind, wire_format))
    fields = payload[0] if wire_format.endswith("_LIST") else payload
    simple = wire_format.startswith("SIMPLE")
    for name, value in {
        ("cd" if simple else "code"): f"SGD-{chance.choice('ABC')}",
        ("sid" if simple else "sequential_id"): chance.randint(0, 9),
        ("st" if simple else "stream_type"): chance.choice(["REALTIME", "REALTIME", "SNAPSHOT"]),
    }.items():
        if name in fields:
            fields[name] = value
    if kind == "orderbook":
        names = ("ap", "bp", "as", "bs") if simple else ("ask_price", "bid_price", "ask_size", "bid_size")
        units = [dict(zip(names, (1.5, 2, 3.25, number), strict=True)) for number in range(chance.choice([0, 1, 15]))]
        fields["obu" if simple else "orderbook_units"] = units
    text = json.dumps(payload, separators=chance.choice([(",", ":"), (", ", ": ")]))
    return f"{text}{chance.choice(['', '', ' ', chr(10)])}".encode()


def spoilt(chance, payload):
    at = chance.randrange(len(payload))
    return payload[:at] + chance.choice(SPOILT) + payload[at + chance.randint(0, 2) :]


def one_payload(chance, wire_format, may_spoil):
    roll = chance.random()
    if roll < 0.5:
        return varied(chance, wire_format)
    if roll < 0.6:
        return varied(chance, chance.choice(FORMATS))
    if roll < 0.7:
        return chance.choice(PAYLOADS)
    if roll < 0.75:
        return chance.choice(REPLIES)[0]
    if roll < 0.8:
        return b"[%b,%b]" % (varied(chance, "SIMPLE"), varied(chance, "DEFAULT"))
    if not may_spoil:
        return varied(chance, wire_format)
    if roll < 0.85:
        return chance.choice(GARBAGE)
    # The units of a book are looked at only where they are asked for; see test_books.py.
    payload = varied(chance, wire_format)
    return payload if b'"orderbook"' in payload else spoilt(chance, payload)


@given(
    st.sampled_from(FORMATS),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "trade", "myOrder"]),
    st.integers(0, 2**32),
)
def test_both_lanes_do_the_same(wire_format, exact, tells_apart, watch, seed):
    states = []
    for twin in ("python", "c"):
        chance = random.Random(seed)
        watched = Watched(twin, wire_format, exact=exact, tells_apart=tells_apart, watch=watch)
        for _ in range(6):
            listeners = _, taps, lazy, *_ = chance.choice(LISTENERS)
            watched.listen(*listeners)
            # Who decodes later finds out later.
            may_spoil = bool(taps) or not lazy
            for _ in range(chance.randint(0, 8)):
                watched.now += 1
                watched.intake.receive(one_payload(chance, wire_format, may_spoil))
            if chance.random() < 0.2:
                watched.continuity.ledger._turn(watched.now)
        states.append(watched.state())
    assert states[1] == states[0]


@pytest.mark.parametrize("twin", ["python", "c"])
@pytest.mark.parametrize("asked", FORMATS)
@pytest.mark.parametrize("sent", FORMATS)
def test_with_a_tap_another_format_than_the_one_asked_for_is_delivered_too(twin, asked, sent):
    watched = Watched(twin, asked)
    watched.listen(["consume"], ["tap"], [])
    for kind in KINDS:
        watched.intake.receive(sample(kind, sent))
    assert [entry[0] for entry in watched.seen] == ["tapped", "consumed"] * len(KINDS)


@pytest.mark.parametrize("twin", ["python", "c"])
@pytest.mark.parametrize("consumers", [[], ["consume"]])
def test_a_tap_gets_spoilt_bytes_under_no_type(twin, consumers):
    """What has a type goes into a recording as it is."""
    watched = Watched(twin)
    watched.listen(consumers, ["tap"], [])
    payload = sample("ticker")
    for spoiled in (payload[:-1] + b",}", payload[:-1], payload + b"}", payload[:-1] + b',"x":tru}'):
        watched.intake.receive(spoiled)
    assert [(raw.type, raw.code) for name, raw in watched.seen if name == "tapped"] == [("", "")] * 4
    assert watched.intake.malformed == 4


@pytest.mark.parametrize("twin", ["python", "c"])
@pytest.mark.parametrize("listeners", [each for each in LISTENERS if each[1] or each[2]])
def test_a_late_snapshot_of_a_trade_of_long_ago_is_known(twin, listeners):
    watched = Watched(twin)
    watched.listen(*listeners)
    watched.continuity.ledger.load("SGD-BTC", {7: 1})
    trade = json.loads(sample("trade")) | {"stream_type": "SNAPSHOT"}
    watched.intake.receive(json.dumps(trade).encode())
    assert (watched.seen, watched.intake.copies["trade"]) == ([], 1)


@pytest.mark.parametrize("twin", ["python", "c"])
@pytest.mark.parametrize("listeners", LISTENERS)
def test_what_is_no_exception_comes_out(twin, listeners):
    watched = Watched(twin)

    def interrupted(_):
        raise KeyboardInterrupt

    for name in ("consume", "tap", "take_raw", "refuse", "spoil"):
        setattr(watched, name, interrupted)
    watched.listen(*listeners)
    if not any(listeners[:3]):
        watched.intake.receive(sample("trade"))
        return
    with pytest.raises(KeyboardInterrupt):
        watched.intake.receive(sample("trade"))


@pytest.mark.parametrize("twin", ["python", "c"])
def test_consumers_come_and_go_while_they_are_called(twin):
    watched = Watched(twin)
    seen = []

    def restless(message):
        seen.append(message.type)
        watched.outlet.all = (watched.consume,) if len(seen) % 2 else (restless, watched.consume, restless)
        watched.outlet.taps = (watched.tap,) if len(seen) % 3 else ()
        watched.intake.refresh()
        if len(seen) < 50:
            watched.intake.receive(varied(random.Random(len(seen)), "DEFAULT"))

    watched.outlet.all = (restless, restless)
    watched.intake.refresh()
    watched.intake.receive(sample("ticker"))
    assert seen


def test_a_sink_is_asked_once_for_a_type_and_code():
    watched = Watched("c")
    asked = []

    def sink(first):
        asked.append((first.type, first.code))
        return lambda payload, now: watched.seen.append((payload, now))

    watched.listen([], ["tap"], [])
    watched.outlet.sinks = (sink,)
    watched.intake.refresh()
    payloads = [sample(kind) for kind in ("ticker", "orderbook", "ticker", "orderbook")]
    for payload in payloads:
        watched.intake.receive(payload)
    assert asked == [("ticker", "SGD-BTC"), ("orderbook", "SGD-BTC")]
    assert watched.seen == [(payload, 100) for payload in payloads]
    watched.intake.refresh()  # what they said is forgotten
    watched.intake.receive(payloads[0])
    assert len(asked) == 3


def test_a_sink_or_a_clock_that_changes_who_listens():
    """What a lane remembers of a type and code may go while it is used."""
    watched = Watched("c", tells_apart=False)

    def restless(*_):
        for number in range(300):
            watched.intake.receive.sinks = (restless, None) if number % 2 else (None, restless)
        watched.intake.receive.taps = (watched.tap, watched.tap)
        return restless

    watched.listen([], ["tap"], [])
    watched.outlet.sinks = (restless,)
    watched.intake.refresh()
    for _ in range(20):
        watched.intake.receive(sample("ticker"))
        watched.intake.receive(sample("orderbook"))

    def time_ns():
        lane.sinks = (restless,)
        return 5

    lane: Any
    lane, _ = _pair(time_ns=time_ns)
    lane.taps, lane.mode = (lambda raw: None,), 1
    for _ in range(20):
        lane(sample("trade"))


def test_more_codes_than_there_are_labels_for():
    watched = Watched("c", tells_apart=False)
    watched.listen([], ["tap"], [])
    for number in range(40_000):
        watched.intake.receive(b'{"type":"ticker","code":"SGD-%d"}' % number)
    assert [raw.code for _, raw in watched.seen] == [f"SGD-{number}" for number in range(40_000)]


def test_a_code_is_one_object():
    watched = Watched("c")
    watched.listen([], ["tap"], [])
    for kind in ("trade", "ticker"):
        watched.intake.receive(sample(kind))
    got = []
    watched.outlet.all, watched.outlet.taps = (got.append,), ()
    watched.intake.refresh()
    watched.intake.receive(sample("orderbook"))
    codes = [raw.code for _, raw in watched.seen] + [got[0].code]
    assert len({id(code) for code in codes}) == 1


def test_the_systems_clock_is_asked_without_python():
    lane, route = _pair()
    got = []
    route.consumers = (got.append,)
    before = time.time_ns()
    lane(sample("trade"))
    assert before <= got[0].received_at_ns <= time.time_ns()


def _pair(**changes):
    """A lane with nothing but trades."""
    decoder = Decoder()
    twin = next(twin for twin in decoder.twins.values() if twin.kind == "trade")
    route = native.Route(twin.kind, twin.decoded, twin.public, {}, changes.pop("seen", None))
    lane = native.Lane(
        **{
            "decode": decoder.fast,
            "unreadable": (ValueError,),
            "routes": (route,),
            "time_ns": time.time_ns,
            "attentively": lambda payload: None,
            "consumer_failed": lambda consumer, error: None,
            "tap_failed": lambda error: None,
            "raw_message": lambda *fields: fields,
            "raw_units": bytes,
            "is_simple": False,
            **changes,
        }
    )
    return lane, route


@pytest.mark.parametrize("place", ["time_ns", "decode", "attentively", "consumer_failed", "raw_message", "tap_failed"])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_what_raises_where_nothing_should_comes_out_and_nothing_is_lost_of_it(place, mode):
    def raising(*_):
        raise ZeroDivisionError(place)

    lane, route = _pair(**{place: raising})
    route.consumers = (raising,)
    lane.taps = (raising,)
    lane.mode = mode
    for _ in range(3):
        with contextlib.suppress(ZeroDivisionError):
            lane(sample("trade"))


def test_a_decoded_message_that_is_not_what_was_expected():
    class Other:
        pass

    for made in (None, 7, Other(), [], [None], [[]]):
        for mode in (0, 1):
            lane, route = _pair(decode=lambda payload, made=made: made)
            route.consumers = (pytest.fail,)
            lane.mode = mode
            if mode == 0 and made != []:
                with pytest.raises(TypeError, match="no route"):
                    lane(sample("trade"))
            else:
                lane(sample("trade"))


def test_a_class_that_cannot_become_the_other_is_refused():
    twin = next(twin for twin in Decoder().twins.values() if twin.kind == "trade")

    class Dictionary:
        def __init__(self):
            self.received_at_ns = self.code = 1

    class Slots:
        __slots__ = ("code", "received_at_ns")

    class OtherSlots:
        __slots__ = ("code", "other", "received_at_ns")

    class Refusing(Slots):
        __slots__ = ()

        def __setattr__(self, name, value):
            raise TypeError

    for decoded, public in [
        (twin.decoded, str),
        (Dictionary, Dictionary),
        (Slots, OtherSlots),
        (int, int),
        (Refusing, Slots),
    ]:
        with pytest.raises(TypeError, match="cannot become"):
            native.Route("trade", decoded, public, {})
    for wrong in [
        (1, twin.decoded, Trade, {}),
        ("trade", twin.decoded, Trade, []),
        ("trade", twin.decoded, Trade, {}, 1),
    ]:
        with pytest.raises(TypeError):
            native.Route(*wrong)
    with pytest.raises(UnicodeEncodeError):
        native.Route("\ud800", twin.decoded, Trade, {})


def test_a_finish_or_a_guard_that_takes_a_message_apart():
    twin = next(twin for twin in Decoder().twins.values() if twin.kind == "trade")

    def without_code(message):
        del message.code

    def without_id(message):
        del message.sequential_id

    def other_class(message):
        message.__class__ = Trade

    for meddle in (without_code, without_id, other_class):
        for seen in (None, native.Seen()):
            for place in ("finish", "guard"):
                route = native.Route("trade", twin.decoded, Trade, {}, seen, **{place: meddle})
                lane, _ = _pair(routes=(route,))
                if (meddle is without_id and seen is None) or (meddle is without_code and place == "guard"):
                    lane(sample("trade"))
                else:
                    with pytest.raises((AttributeError, TypeError)):
                        lane(sample("trade"))


@pytest.mark.parametrize("mode", [0, 1])
def test_what_only_holds_itself_is_let_go(mode):
    class Holder:
        lane: Any
        route: Any

        def take(self, message):
            pass

    holder = Holder()
    holder.lane, holder.route = _pair(attentively=holder.take)
    holder.route.consumers = (holder.take,)
    holder.lane.taps = (holder.take,)
    holder.lane.mode = mode
    holder.lane(sample("trade"))
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None
