"""An intake on either of the two lanes, and all that can be seen of it from outside."""

from typing import Any, cast
from unittest import mock

from tests.flow.test_intake import Outlet

from upbit_stream.errors import MalformedMessage
from upbit_stream.flow.continuity import Continuity
from upbit_stream.flow.intake import Intake
from upbit_stream.flow.lane import PythonLane, PythonRoute
from upbit_stream.model.raw import RawMessage
from upbit_stream.native import native
from upbit_stream.wire.decoder import Decoder

TWINS = {"python": (PythonLane, PythonRoute), "c": (native and native.Lane, native and native.Route)}


def described(message):
    try:
        return repr(message)
    except MalformedMessage as error:
        return f"{type(message).__name__}: {error}"


class Watched:
    """``seen`` lists, in order, all that leaves the intake."""

    def __init__(self, twin, wire_format="DEFAULT", *, exact=False, tells_apart=True, watch=""):
        self.now = 100
        self.seen = []
        self.outlet = cast(Any, Outlet())
        self.outlet.emit = lambda event: self.seen.append(("event", repr(event)))
        self.outlet.tap_failed = lambda error: self.seen.append(("tap failed", repr(error)))
        self.outlet.consumer_failed = lambda consumer, error: self.seen.append(
            ("failed", consumer.__name__, repr(error), error.__traceback__ is not None)
        )
        self.continuity = Continuity(time_ns=lambda: self.now, tells_apart=tells_apart)
        if watch:
            self.continuity.watch(watch, lambda message: self.seen.append(("watched", message.received_at_ns)))
        lane, route = TWINS[twin]
        with mock.patch.multiple("upbit_stream.flow.intake", Lane=lane, Route=route):
            self.intake = Intake(
                "public",
                Decoder(wire_format, exact=exact),
                self.outlet,
                lambda reply: self.seen.append(("reply", repr(reply))),
                lambda: self.now,
                1,
                self.continuity,
            )
        assert type(self.intake.receive) is lane

    def consume(self, message):
        self.seen.append(("consumed", type(message), described(message)))

    def refuse(self, message):
        raise ValueError(message.received_at_ns)

    def take_raw(self, raw):
        self.seen.append(("raw", raw))

    def tap(self, raw):
        self.seen.append(("tapped", raw))

    def spoil(self, raw):
        raise OSError(raw.code)

    def sink(self, name):
        """What names, for a type and code, a function that does as the tap would with what it is spared."""
        tap = getattr(self, name)
        return lambda first: lambda payload, now: tap(RawMessage(payload, first.type, first.code, now))

    def listen(self, consumers, taps, lazy, sinks=()):
        """Who there is, by name; the lazy ones only where there are no others. ``sinks``: which taps have one."""
        self.outlet.all = tuple(getattr(self, name) for name in (*consumers, *lazy))
        self.outlet.lazy = tuple(getattr(self, name) for name in lazy)
        self.outlet.taps = tuple(getattr(self, name) for name in taps)
        self.outlet.sinks = tuple(self.sink(name) if name in sinks else None for name in taps)
        self.intake.refresh()

    def state(self):
        ledger, intake = self.continuity.ledger, self.intake
        return {
            "seen": self.seen,
            "counts": intake.counts,
            "copies": intake.copies,
            "malformed": intake.malformed,
            "new": dict(ledger.new),
            "old": dict(ledger.old),
            "clashes": ledger._clashes,
            "last": {kind: dict(last) for kind, last in self.continuity.last.items() if last},
        }
