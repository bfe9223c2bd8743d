"""From the bytes of a message to typed values, for each of the four formats.

`Decoder.fast` is the path of nearly all messages: one C call that picks the twin by its tag. What it refuses
(replies, errors, unknown types, messages in another format than the connection's, garbage) goes through
`Decoder.decode`, which looks at each object by itself and never raises.

Owns decoding. Knows nothing of sessions, nor what a reply means to them.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache, reduce
from operator import or_
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw, Struct

from upbit_stream.model.messages import AnyMessage, Unknown
from upbit_stream.model.subscription import TYPES
from upbit_stream.wire.requests import Format, check_format
from upbit_stream.wire.twins import Twin, settle, twins


class ErrorReply(Struct, frozen=True):
    """``{"error": {"name", "message"}}``: the request before it was refused; the connection will close."""

    name: str
    message: str = ""


class StatusReply(Struct, frozen=True):
    """``{"status": "UP"}``: the answer to the text ``PING``."""

    status: str


class Registered(Struct, frozen=True):
    """One entry of a `SubscriptionsReply`."""

    type: str
    codes: tuple[str, ...] = ()


class SubscriptionsReply(Struct, frozen=True):
    """The answer to ``LIST_SUBSCRIPTIONS``."""

    ticket: str
    result: tuple[Registered, ...]


class Unreadable(Struct, frozen=True):
    """Bytes that are no message, and why."""

    payload: bytes
    reason: str


Reply: TypeAlias = ErrorReply | StatusReply | SubscriptionsReply
Decoded: TypeAlias = AnyMessage | Reply | Unreadable

# What msgspec raises for bad input: DecodeError for JSON and types, UnicodeDecodeError for bad UTF-8 in a string,
# RecursionError for deep nesting, OverflowError and ArithmeticError for absurd numbers.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, ArithmeticError)


_HEAD_NAMES = {
    "trade_id": "sequential_id",
    "executed_ms": "trade_timestamp",
    "sent_ms": "timestamp",
    "grouping": "level",
    "begins": "candle_date_time_utc",
}
_SHORT_HEAD_NAMES = {
    "name": "ty",
    "market": "cd",
    "trade_id": "sid",
    "executed_ms": "ttms",
    "sent_ms": "tms",
    "grouping": "lv",
    "begins": "cdttmu",
    "stream_type": "st",
    "method": "mthd",
}


class Decoder:
    """Decodes the messages of one connection.

    ``wire_format`` is the format that was asked for; messages in another one are decoded too, more slowly. With
    ``exact`` market data numbers are `decimal.Decimal`.

    >>> decoder = Decoder("SIMPLE")
    >>> [message] = decoder.decode(b'{"ty":"none-yet","cd":"SGD-BTC"}', received_at_ns=1)
    """

    def __init__(self, wire_format: str = "DEFAULT", *, exact: bool = False) -> None:
        self.wire_format: Format = check_format(wire_format)
        self.exact = exact
        self.is_list = self.wire_format.endswith("_LIST")
        simple = self.wire_format.startswith("SIMPLE")
        self.twins: dict[type[Any], Twin] = {twin.decoded: twin for twin in twins(simple, exact)}
        self.fast: Callable[[bytes], Any] = _objects(simple, exact)
        if self.is_list:
            self.fast = _lists(simple, exact)

    def decode(self, payload: bytes, received_at_ns: int | None = None) -> list[Decoded]:
        """All that one message holds, in its order. Never raises; what cannot be read comes as `Unreadable`.

        Without ``received_at_ns`` a message keeps what its payload says, as the lines of a recording do.
        """
        try:
            decoded = self.fast(payload)
        except UNREADABLE:
            return [self._decode_object(item, received_at_ns) for item in split(payload)]
        items = decoded if self.is_list else [decoded]
        return [settle(self.twins[type(item)], item, received_at_ns) for item in items]

    def _decode_object(self, item: bytes | Unreadable, received_at_ns: int | None) -> Decoded:
        if isinstance(item, Unreadable):
            return item
        head = read_head(item)
        if isinstance(head, Unreadable):
            return head
        try:
            if head.name not in TYPES:
                return _other(head, item, received_at_ns)
            simple = isinstance(head, _ShortHead)
            message = _objects(simple, self.exact)(item)
        except UNREADABLE as error:
            return Unreadable(item, str(error))
        return settle(_by_class(simple, self.exact)[type(message)], message, received_at_ns)


class Head(Struct, gc=False, kw_only=True, rename={"name": "type", "market": "code", **_HEAD_NAMES}):
    """What can be told of an object without decoding it; "" or 0 where it does not say.

    ``name`` is its type, ``market`` its code, ``trade_id`` the ``sequential_id``, ``executed_ms`` the
    ``trade_timestamp``, ``sent_ms`` the ``timestamp``, ``grouping`` an order book's ``level``, ``begins`` a candle's
    ``candle_date_time_utc``.
    """

    name: str = ""
    market: str = ""
    trade_id: int = 0
    executed_ms: int = 0
    sent_ms: int = 0
    grouping: float | None = None
    begins: str = ""
    stream_type: str = ""
    error: ErrorReply | None = None
    method: str = ""
    status: str = ""

    @property
    def is_snapshot(self) -> bool:
        """Whether the message tells a state that was there before the subscription."""
        return self.stream_type == "SNAPSHOT"

    @property
    def is_reply(self) -> bool:
        """Whether the object answers a request."""
        return self.error is not None or bool(self.method or self.status)


# The same under the short names.
_ShortHead: Any = msgspec.defstruct(
    "_ShortHead",
    [(field.name, field.type, field.default) for field in msgspec.structs.fields(Head)],
    rename={name: _SHORT_HEAD_NAMES.get(name, name) for name in Head.__struct_fields__},
    namespace={"is_snapshot": Head.is_snapshot, "is_reply": Head.is_reply},
    gc=False,
    kw_only=True,
)
_head: Callable[[bytes], Head] = msgspec.json.Decoder(Head).decode
_short_head: Callable[[bytes], Head] = msgspec.json.Decoder(_ShortHead).decode
_any_object = msgspec.json.Decoder(dict[str, Any]).decode
_raw_list = msgspec.json.Decoder(list[Raw]).decode


def read_head(item: bytes, simple: bool = False) -> Head | Unreadable:
    """The head of one JSON object, or why it has none. Objects with the other names than ``simple`` says are read, too,
    more slowly.
    """
    try:
        head = _short_head(item) if simple else _head(item)
        if head.name or head.is_reply:
            return head
        other = _head(item) if simple else _short_head(item)
        return other if other.name or other.is_reply else head
    except UNREADABLE:
        return _loose_head(item)


def _loose_head(item: bytes) -> Head | Unreadable:
    """The head without the fields that are of another kind: a new type may use these names in its own way."""
    try:
        fields = _any_object(item)
    except UNREADABLE as error:
        return Unreadable(item, str(error))

    def text(*names: str) -> str:
        return next((value for name in names if type(value := fields.get(name)) is str and value), "")

    make = Head if text("type") else _ShortHead
    head: Head = make(
        name=text("type", "ty"),
        market=text("code", "cd"),
        stream_type=text("stream_type", "st"),
        error=_error(fields.get("error")),
        method=text("method", "mthd"),
        status=text("status"),
    )
    return head


def _error(value: Any) -> ErrorReply | None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    message = value.get("message")
    return ErrorReply(value["name"], message if isinstance(message, str) else "")


def split(payload: bytes) -> list[bytes | Unreadable]:
    """The objects of one message, each byte for byte: the elements of a list format, or the one object."""
    if not payload.lstrip(b" \t\r\n").startswith(b"["):
        return [payload]
    try:
        return [bytes(memoryview(item)) for item in _raw_list(payload)]
    except UNREADABLE as error:
        return [Unreadable(payload, str(error))]


class _Stamped(Struct):
    received_at_ns: int = 0


def _stamp(item: bytes) -> int:
    """The time that a recorded object carries, or 0."""
    try:
        return msgspec.json.decode(item, type=_Stamped).received_at_ns
    except UNREADABLE:
        return 0


def _other(head: Head, item: bytes, received_at_ns: int | None) -> Unknown | Reply | Unreadable:
    """What is no message of a known type."""
    if head.error is not None:
        return head.error
    if head.name:
        stamp = _stamp(item) if received_at_ns is None else received_at_ns
        return Unknown(type=head.name, code=head.market, payload=item, received_at_ns=stamp)
    if head.method:
        return _subscriptions(item)
    return StatusReply(head.status) if head.status else Unreadable(item, "the object names no type")


class _Entry(Struct):
    type: str = ""
    ty: str = ""
    codes: tuple[str, ...] | None = None
    cds: tuple[str, ...] | None = None


class _SubscriptionsBody(Struct):
    ticket: str = ""
    tckt: str = ""
    result: tuple[_Entry, ...] = ()
    rslt: tuple[_Entry, ...] = ()


def _subscriptions(item: bytes) -> SubscriptionsReply:
    body = msgspec.json.decode(item, type=_SubscriptionsBody)
    entries = body.result or body.rslt
    return SubscriptionsReply(
        body.ticket or body.tckt,
        tuple(Registered(entry.type or entry.ty, entry.codes or entry.cds or ()) for entry in entries),
    )


@cache
def _objects(simple: bool, exact: bool) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(_union(simple, exact), float_hook=_fraction(exact)).decode


@cache
def _lists(simple: bool, exact: bool) -> Callable[[bytes], Any]:
    of_type: Any = list[_union(simple, exact)]  # type: ignore[misc]  # a type made at run time
    return msgspec.json.Decoder(of_type, float_hook=_fraction(exact)).decode


@cache
def _by_class(simple: bool, exact: bool) -> dict[type[Any], Twin]:
    return {twin.decoded: twin for twin in twins(simple, exact)}


def _fraction(exact: bool) -> Callable[[str], Any] | None:
    """What makes a fraction where no type says so: inside an indicator."""
    return Decimal if exact else None


def _union(simple: bool, exact: bool) -> Any:
    """The tagged union of all twins: msgspec picks the member by the tag."""
    return reduce(or_, (twin.decoded for twin in twins(simple, exact)))
