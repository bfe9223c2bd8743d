"""Nothing that happens again and again may leave anything behind: blocks of memory, or references."""

import asyncio
import contextlib
import gc
import sys
import time
from typing import Any

import pytest
from tests.flow.consumers import message, subscriber
from tests.flow.test_intake import sample

from upbit_stream.model.messages import OrderBookUnit
from upbit_stream.native import native
from upbit_stream.record.line import message_line
from upbit_stream.session.ledger import Ledger
from upbit_stream.wire.decoder import Decoder

TIMES = 20_000
SLACK = 100  # blocks; a leak of one object makes as many as there are times
TRADE, BOOK = sample("trade"), sample("orderbook")
LONG_BOOK = BOOK.replace(
    b"[]", b"[" + b",".join([b'{"ask_price":1,"bid_price":1,"ask_size":1,"bid_size":1}'] * 15) + b"]"
)
SHARED = [None, (), "SGD-BTC", native.Lane, native.Route, native.Seen] if native else []


class Dictionary:
    received_at_ns = 1


def raising(*_):
    raise ValueError


def doubly_raising(*_):
    try:
        raising()
    except ValueError as error:
        raise KeyError from error


class Lanes:
    """A lane for trades and books with what it calls."""

    def __init__(self, *, told=lambda *_: None, decode=None, guard=None, finish=None, time_ns=time.time_ns, raw=None):
        decoder = Decoder()
        self.seen = Ledger()
        self.seen.new[7] = "SGD-ETH"
        self.routes = tuple(
            native.Route(
                twin.kind, twin.decoded, twin.public, {}, self.seen if twin.kind == "trade" else None, finish, guard
            )
            for twin in decoder.twins.values()
            if twin.kind in ("trade", "orderbook")
        )
        self.lane = native.Lane(
            decode=decode or decoder.fast,
            unreadable=(ValueError,),
            routes=self.routes,
            time_ns=time_ns,
            attentively=lambda payload: None,
            consumer_failed=told,
            tap_failed=told,
            raw_message=raw or (lambda *fields: fields),
            raw_units=lambda units: units,
            is_simple=False,
        )

    def listening(self, mode, *, consumers=(), taps=(), lazy=(), sinks=()):
        for route in self.routes:
            route.consumers, route.lazy = consumers, lazy
        self.lane.taps, self.lane.sinks, self.lane.mode = taps, sinks, mode
        return self

    def receive(self, payload):
        def once():
            self.seen.new.clear()
            with contextlib.suppress(Exception):
                self.lane(payload)

        return once


def ignored(_):
    pass


def _lanes():
    # what is there, and what raises, by name
    yield "delivered", Lanes().listening(0, consumers=(ignored, ignored)).receive(TRADE)
    yield "book", Lanes().listening(0, consumers=(ignored,)).receive(BOOK)
    yield "long book", Lanes().listening(0, consumers=(ignored,)).receive(LONG_BOOK)
    yield "spoilt book", Lanes().listening(0, consumers=(ignored,)).receive(LONG_BOOK.replace(b'"code"', b'"x"'))
    yield "consumer raises", Lanes().listening(0, consumers=(raising, doubly_raising)).receive(TRADE)
    yield "told raises", Lanes(told=raising).listening(0, consumers=(raising,)).receive(TRADE)
    yield "garbage", Lanes().listening(0).receive(b"{garbage")
    yield "decode raises", Lanes(decode=doubly_raising).listening(0).receive(TRADE)
    yield "no route", Lanes(decode=lambda _: [object()]).listening(0).receive(TRADE)
    yield "guard refuses", Lanes(guard=lambda _: True).listening(0).receive(TRADE)
    yield "guard raises", Lanes(guard=raising).listening(0).receive(TRADE)
    yield "finish", Lanes(finish=ignored).listening(0).receive(TRADE)
    yield "finish raises", Lanes(finish=raising).listening(0).receive(TRADE)
    yield "clock", Lanes(time_ns=lambda: 1 << 70).listening(0).receive(TRADE)
    yield "clock raises", Lanes(time_ns=raising).listening(0).receive(TRADE)
    yield "tapped", Lanes().listening(1, taps=(ignored,)).receive(TRADE)
    yield "tapped book", Lanes().listening(1, taps=(ignored,)).receive(LONG_BOOK)
    yield "tapped and delivered", Lanes().listening(1, taps=(ignored,), consumers=(ignored,)).receive(TRADE)
    yield "tap raises", Lanes().listening(1, taps=(raising,), consumers=(raising,)).receive(TRADE)
    yield "tap told raises", Lanes(told=raising).listening(1, taps=(raising,), consumers=(raising,)).receive(TRADE)
    yield "sunk", Lanes().listening(1, taps=(ignored,), sinks=(lambda first: lambda *both: None,)).receive(TRADE)
    yield "sink raises", Lanes().listening(1, taps=(ignored,), sinks=(raising,)).receive(TRADE)
    yield "put raises", Lanes().listening(1, taps=(ignored,), sinks=(lambda first: raising,)).receive(TRADE)
    yield "sink told raises", Lanes(told=raising).listening(1, taps=(ignored,), sinks=(raising,)).receive(TRADE)
    renewed = Lanes()

    def new_sinks():
        renewed.listening(1, taps=(ignored,), sinks=(lambda first: ignored,)).receive(TRADE)()

    yield "new sinks", new_sinks
    yield "lazy", Lanes().listening(1, lazy=(ignored, raising)).receive(TRADE)
    yield "lazy told raises", Lanes(told=raising).listening(1, lazy=(raising,)).receive(BOOK)
    yield "raw raises", Lanes(raw=raising).listening(1, taps=(ignored,), consumers=(ignored,)).receive(TRADE)
    yield "raw first garbage", Lanes().listening(1, taps=(ignored,), consumers=(ignored,)).receive(TRADE[:-1])
    yield "attentive", Lanes().listening(2).receive(TRADE)
    unknown = Lanes().listening(0, consumers=(ignored,))
    yield "twice", lambda: [unknown.lane(payload) for payload in (TRADE, TRADE)] and unknown.seen.new.clear()


def _inboxes():
    inbox = native.Inbox(4)
    inbox.is_holding = True

    def through():
        inbox.put(object())
        inbox.appendleft(object())
        inbox.popleft()
        inbox.empty()

    def nothing_there():
        with contextlib.suppress(IndexError):
            inbox.popleft()

    def nobody_answers():
        asleep = native.Inbox(0)
        closed = native.Inbox(0)
        closed.is_closed = True
        asleep.is_sleeping = True
        with contextlib.suppress(AttributeError):
            asleep.put(object())
        with contextlib.suppress(AttributeError):
            native.Inbox(0, drops=True).put(object())
        with contextlib.suppress(AttributeError):
            closed.__anext__().send(None)

    def refused():
        with contextlib.suppress(TypeError):
            native.Inbox("x")
        with contextlib.suppress(AttributeError):
            inbox.put_latest(object())

    consumer = subscriber(limit=5)

    def taken():
        consumer.put((1, 2))
        with contextlib.suppress(StopIteration):
            anext(consumer).send(None)
        anext(consumer)
        anext(consumer).close()

    def thrown():
        with contextlib.suppress(asyncio.CancelledError):
            anext(consumer).throw(asyncio.CancelledError())
        used = anext(consumer)
        used.close()
        with contextlib.suppress(RuntimeError):
            used.send(None)
        with contextlib.suppress(TypeError):
            anext(consumer).send(1)

    latest = subscriber("latest")
    yield "through an inbox", through
    yield "nothing there", nothing_there
    yield "nobody answers", nobody_answers
    yield "refused", refused
    yield "taken", taken
    yield "thrown", thrown
    yield "latest", lambda: latest.put(message(1))


def _others():
    rows: Any = native.Rows(message_line, 1_000, lambda: rows.clear())  # noqa: PLW0108  # it is not there yet
    failing = native.Rows(raising, 10, raising)
    raw = memoryview(LONG_BOOK[LONG_BOOK.index(b"[") :]).tobytes()
    decode = Decoder().decode
    exact = Decoder(exact=True).decode

    def units():
        [book] = decode(LONG_BOOK, 1)
        return book.best, book.orderbook_units

    def failing_rows():
        for payload, at_ns in ((b"{}", 1), (b"{}", "x"), ("x", 1), (b'{"a":1}', 2**64)):
            with contextlib.suppress(ValueError, TypeError, OverflowError):
                failing.put(payload, at_ns)

    def wrong_classes():
        for decoded, public in ((int, int), (OrderBookUnit, str), (Dictionary, str)):
            with contextlib.suppress(TypeError):
                native.Route("trade", decoded, public, {})
        with contextlib.suppress(TypeError):
            native.Lane(1, 2, 3)
        with contextlib.suppress(TypeError):
            native.become((1, 2), OrderBookUnit)

    def exact_units():
        [book] = exact(LONG_BOOK, 1)
        return book.best, book.orderbook_units

    def lent():
        with rows.lent() as lines:
            with contextlib.suppress(BufferError):
                rows.put(TRADE, 5)
            return len(lines)

    yield "rows that are lent", lent
    yield "rows", lambda: (rows.put(TRADE, 5), rows.put(b"{}", 5), bytes(rows))
    yield "rows that fail", failing_rows
    yield "scan", lambda: (native.scan(TRADE, False), native.scan(b"x", True), native.scan(LONG_BOOK, False))
    yield "first object", lambda: (native.first_object(raw), native.first_object(b""))
    yield "units", units
    yield "exact units", exact_units
    yield "wrong classes", wrong_classes
    yield "made and thrown away", lambda: (Lanes().listening(1, taps=(ignored,)), native.Inbox(5).put(5))


CASES = {name: once for cases in (_lanes, _inboxes, _others) for name, once in cases()} if native else {}
SLOW = {"made and thrown away": 1_000, "wrong classes": 3_000, "units": 10_000, "exact units": 3_000}


@pytest.mark.parametrize("name", CASES)
def test_it_leaves_nothing_behind(name):
    once = CASES[name]
    for _ in range(1_500):  # what is made once and kept, free lists too
        once()
    gc.collect()
    shared = [sys.getrefcount(each) for each in SHARED]
    before = sys.getallocatedblocks()
    times = SLOW.get(name, TIMES)
    for _ in range(times):
        once()
    gc.collect()
    assert sys.getallocatedblocks() - before < min(SLACK, times // 4)
    for now, then in zip([sys.getrefcount(each) for each in SHARED], shared, strict=True):
        assert abs(now - then) < min(SLACK, times // 4)
