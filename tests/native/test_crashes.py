"""What must not end the process, in a process of its own: a crash would end the tests with it."""

import subprocess
import sys

import pytest

PREAMBLE = """
import faulthandler, gc, time
faulthandler.enable()
from upbit_stream.native import native
from upbit_stream.wire.decoder import Decoder
twins = {twin.kind: twin for twin in Decoder().twins.values()}

def route(kind, *more, **given):
    return native.Route(kind, twins[kind].decoded, twins[kind].public, {}, *more, **given)

def lane(*routes, **given):
    return native.Lane(**{
        "decode": Decoder().fast, "unreadable": (ValueError,), "routes": routes, "time_ns": time.time_ns,
        "attentively": print, "consumer_failed": print, "tap_failed": print, "raw_message": lambda *f: f,
        "raw_units": bytes, "is_simple": False, **given})

def refused(call, *wanted):
    try:
        call()
    except wanted or (TypeError, AttributeError, RuntimeError, ValueError):
        return
    raise SystemExit("not refused")

TICKER = b'{"type":"ticker","code":"A"}'
"""

CASES = {
    "what was never made": """
for kind in (native.Route, native.Lane):
    refused(lambda: kind.__new__(kind))
    refused(lambda: object.__new__(kind))
refused(lambda: native.Rows.__new__(native.Rows).put(b'{"a":1}', 1))
assert bytes(native.Rows.__new__(native.Rows)) == b""
inbox = native.Inbox.__new__(native.Inbox); inbox.append(1); inbox.popleft(); inbox.empty(); inbox.put_latest
seen = native.Seen.__new__(native.Seen); assert seen.new == {}
refused(lambda: type(inbox.__anext__())())
""",
    "made again": """
one = route("ticker")
line = lane(one)
one.__init__("trade", int, int, {})
line.__init__(1)
line(TICKER)
assert one.kind == "ticker"
rows = native.Rows(lambda *_: b"", 0, lambda: rows.__init__(lambda *_: b"x", 0, print))
for _ in range(100):
    rows.put(b"{}", 1)
""",
    "a consumer that lets everything go": """
def consumer(message):
    global line, one, holder
    line.taps = one.consumers = one.lazy = ()
    line = one = holder = None
    gc.collect()
for mode in (0, 1):
    for taps in (), (consumer,):
        one = route("announcement"); two = route("orderbook"); holder = [one, two]
        line = lane(one, two); line.mode = mode; line.taps = taps
        two.consumers = (consumer, lambda message: None)
        one = two
        line(b'{"type":"orderbook","code":"A","timestamp":1,"total_ask_size":1,"total_bid_size":1,'
             b'"orderbook_units":[],"stream_type":"REALTIME"}')
""",
    "attributes deleted and wrong": """
one = route("ticker"); line = lane(one)
for holder, name in ((one, "consumers"), (one, "lazy"), (line, "taps"), (line, "mode"), (native.Seen(), "new")):
    refused(lambda: delattr(holder, name))
    refused(lambda: setattr(holder, name, [1]))
for mode in (-1, 3, 2**31 - 1):
    line.mode = mode
    line(TICKER)
refused(lambda: line(), TypeError); refused(lambda: line(1, 2), TypeError); refused(lambda: line(x=1), TypeError)
""",
    "no payload": """
one = route("ticker"); one.consumers = (print,); line = lane(one); line.taps = (print,)
for mode in (0, 1, 2):
    line.mode = mode
    beginnings = [TICKER[:end] for end in range(len(TICKER))]
    for payload in (None, 5, "text", bytearray(b"{}"), memoryview(b"{}"), b"\\0", *beginnings):
        try:
            line(payload)
        except TypeError:
            pass
""",
    "called while it is thrown away": """
class Last:
    __slots__ = ("call", "__weakref__")
    def __del__(self):
        try:
            self.call(TICKER)
        except (RuntimeError, TypeError):
            pass
for mode in (0, 1, 2):
    for _ in range(50):
        last = Last(); one = route("ticker"); line = lane(one, attentively=last, unreadable=(ValueError,))
        last.call = line; one.consumers = (last,); line.mode = mode; line.taps = (last,)
        inbox = native.Inbox(5); inbox.put(last); inbox.put(inbox); last = Last(); last.call = inbox.put
        inbox.put(last); inbox.latest[1] = inbox
        del last, one, line, inbox
        gc.collect()
""",
    "deep nesting": """
for depth in (59, 60, 61, 62, 1_000, 100_000):
    for open_, close in ((b"[", b"]"), (b'{"a":', b"}")):
        nested = open_ * depth + (b"1" if open_ != b"[" else b"") + close * depth
        text = b'{"type":"ticker","code":"A","x":' + nested + b"}"
        assert (native.scan(text, False) is None) == (depth > 60), depth
""",
    "what was decoded is given twice": """
message = twins["orderbook"].decoded(code="A", timestamp=1, total_ask_size=1.0, total_bid_size=1.0,
    orderbook_units=[], stream_type="")
one = route("orderbook"); one.consumers = (lambda message: None,)
line = lane(one, decode=lambda payload: [message, message])
refused(lambda: line(TICKER), TypeError)
bound = []
line = lane(one, decode=lambda payload: bound)
one.consumers = (lambda message: bound.clear(),)
bound[:] = [twins["orderbook"].decoded(code="A", timestamp=1, total_ask_size=1.0, total_bid_size=1.0,
    orderbook_units=[], stream_type="") for _ in range(5)]
line(TICKER)
""",
    "classes that go": """
for _ in range(200):
    made = type("Made", (), {"__slots__": ("code", "received_at_ns")})
    public = type("Public", (), {"__slots__": ("code", "received_at_ns")})
    items = []
    for _ in range(3):
        item = made(); item.code = "A"; items.append(item)
    native.become(tuple(items), public)
    assert all(type(item) is public for item in items)
    del made
    gc.collect()
    one = native.Route("x", type(items[0]), type("Third", (), {"__slots__": ("code", "received_at_ns")}), {})
    line = lane(one, decode=lambda payload: items.pop())
    line(TICKER)
    refused(lambda: native.become((1,), public))
    refused(lambda: native.become((items[0], 1), type("Fourth", (), {"__slots__": ("code", "received_at_ns")})))
""",
}


@pytest.mark.parametrize("name", CASES)
def test_the_process_lives(name):
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + CASES[name]], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
