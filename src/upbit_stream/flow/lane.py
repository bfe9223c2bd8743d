"""The way of nearly every message: decoded, stamped, told apart, delivered.

`PythonLane` says what happens; where the package was built with its C part, ``src/native/lane.c`` does the same at a
third of the price, and needs no detour where taps or lazy consumers want the bytes first.

Owns the order of these steps. Knows nothing of what consumers do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw

from upbit_stream.model.messages import Message
from upbit_stream.model.raw import RawMessage
from upbit_stream.native import native
from upbit_stream.session.seen import Seen

Consumer = Callable[[Any], None]
Tap = Callable[[RawMessage], None]
Sink = Callable[[RawMessage], Callable[[bytes, int], None]]  # see `Stream.tap`

# What a lane does with a payload.
DIRECT: Final = 0  # decode and deliver
RAW_FIRST: Final = 1  # somebody takes the bytes: taps, or consumers that decode for themselves
ATTENTIVE: Final = 2  # hand it to `attentively`, and no more


class PythonRoute:
    """Where the messages of one type go, and how many there were.

    A twin of class ``decoded`` becomes a ``public`` message after ``finish``; ``guard`` says True of one that must
    not be delivered. ``seen`` knows the trades that were received; of other types ``last`` keeps when each code came
    last. ``lazy`` are the consumers that take messages undecoded, where all consumers of the type do. The tuples of
    consumers are replaced, never changed.
    """

    __slots__ = ("consumers", "copies", "count", "decoded", "finish", "guard", "kind", "last", "lazy", "public", "seen")

    def __init__(
        self,
        kind: str,
        decoded: type[Any],
        public: type[Message],
        last: dict[str, int],
        seen: Seen | None = None,
        finish: Callable[[Any], None] | None = None,
        guard: Callable[[Any], bool] | None = None,
    ) -> None:
        self.kind = kind
        self.decoded = decoded
        self.public = public
        self.last = last
        self.seen = seen
        self.finish = finish
        self.guard = guard
        self.consumers: tuple[Consumer, ...] = ()
        self.lazy: tuple[Tap, ...] = ()
        self.count = 0
        self.copies = 0


class PythonLane:
    """Takes the payload of one message; never raises.

    ``decode`` makes one twin, or a list of them; where it raises one of ``unreadable`` the payload goes to
    ``attentively``. ``mode``, ``taps`` and ``sinks`` (one for each tap, or None) may be set at any time.
    """

    __slots__ = (
        "_attentively",
        "_by_class",
        "_consumer_failed",
        "_decode",
        "_time_ns",
        "_unreadable",
        "mode",
        "sinks",
        "taps",
    )

    def __init__(
        self,
        decode: Callable[[bytes], Any],
        unreadable: tuple[type[Exception], ...],
        routes: tuple[PythonRoute, ...],
        time_ns: Callable[[], int],
        attentively: Callable[[bytes], None],
        consumer_failed: Callable[[Consumer, Exception], None],
        tap_failed: Callable[[Exception], None],  # noqa: ARG002  # what takes the short cut needs it
        raw_message: type[RawMessage],  # noqa: ARG002  # likewise
        raw_units: type[Raw],  # noqa: ARG002  # likewise
        is_simple: bool,  # noqa: ARG002  # likewise
    ) -> None:
        self._decode = decode
        self._unreadable = unreadable
        self._by_class = {route.decoded: route for route in routes}
        self._time_ns = time_ns
        self._attentively = attentively
        self._consumer_failed = consumer_failed
        self.mode = DIRECT
        self.taps: tuple[Tap, ...] = ()
        self.sinks: tuple[Sink | None, ...] = ()

    def __call__(self, payload: bytes) -> None:  # noqa: C901  # each call saved is felt
        """See the class."""
        if self.mode:
            self._attentively(payload)
            return
        try:
            decoded = self._decode(payload)
        except self._unreadable:
            self._attentively(payload)
            return
        now = self._time_ns()
        for message in decoded if type(decoded) is list else (decoded,):
            route = self._by_class[type(message)]
            route.count += 1
            message.received_at_ns = now
            if route.finish is not None:
                route.finish(message)
            is_refused = route.guard is not None and route.guard(message)
            message.__class__ = route.public
            seen = route.seen
            if seen is None:
                if not is_refused:
                    route.last[message.code] = now
            elif (sequential_id := message.sequential_id) not in seen.new and sequential_id not in seen.old:
                seen.new[sequential_id] = message.code
            else:
                is_refused = not seen.add_again(message.code, sequential_id)
            if is_refused:
                route.copies += 1
                continue
            for consumer in route.consumers:
                try:
                    consumer(message)
                except Exception as error:  # noqa: BLE001  # whatever a user's handler raises
                    self._consumer_failed(consumer, error)


if TYPE_CHECKING:
    Lane, Route = PythonLane, PythonRoute
else:
    Lane, Route = (PythonLane, PythonRoute) if native is None else (native.Lane, native.Route)
