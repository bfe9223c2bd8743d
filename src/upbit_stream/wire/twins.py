"""How one class per type is decoded from several formats at the speed of one.

A msgspec Struct has one set of encoded names. So every message class gets *twins*, one for each combination
of names (DEFAULT, SIMPLE) and numbers (float, Decimal): mutable, with the same slots, other encoded names. A
decoder makes a twin; `settle` stamps it and turns it into the public class by setting ``__class__``, which
CPython allows between classes of the same layout (same base, same ``__slots__``) and which takes a twentieth
of the time that copying the fields would.

Owns the twins and what is left to do to one. Knows nothing of payloads.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, cast

import msgspec
from msgspec import Raw

from upbit_stream.errors import MalformedMessage
from upbit_stream.model import messages as model
from upbit_stream.model.subscription import CANDLE_UNITS
from upbit_stream.native import native
from upbit_stream.wire import names

# The encoded name of a candle's ``type`` field: the real one is the tag, which msgspec keeps to itself, so the
# field is filled by its default and this name, impossible on the wire, is never looked up.
_NEVER_ON_THE_WIRE = "(type)"

Finish = Callable[[Any], None]

_ASK_PRICE = b'"ask_price"'  # a name of the DEFAULT format
_DEFAULT_UNIT = b'{"ask_price"'  # how it always begins there, which is told sooner
_FIRST_UNIT = 256  # bytes in which the first unit ends, unless it is none
_UNREADABLE = (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError)


@dataclass(frozen=True, slots=True)
class Twin:
    """A class to decode into, the class to turn it into, and what nested values still need.

    ``kind`` is the exchange's type: ``trade``, ``candle.1m``.
    """

    kind: str
    decoded: type[Any]
    public: type[model.Message]
    finish: Finish | None = None


def settle(twin: Twin, message: Any, received_at_ns: int | None) -> model.AnyMessage:
    """Make the public message of a decoded twin. The hot path does the same in place."""
    if twin.finish is not None:
        twin.finish(message)
    if received_at_ns is not None:
        message.received_at_ns = received_at_ns
    message.__class__ = twin.public
    return cast(model.AnyMessage, message)


@cache
def twins(simple: bool, exact: bool) -> tuple[Twin, ...]:
    """The twins of every type, for DEFAULT or SIMPLE names and float or Decimal numbers."""

    def twin(kind: str, public: type[model.Message], short: Mapping[str, str], **rest: Any) -> Twin:
        finish = rest.pop("finish", None)
        return Twin(kind, _twin(public, short, simple, exact, tag=kind, **rest), public, finish)

    asset = _twin(model.Asset, names.ASSET, simple, exact)
    indicator = _finish_indicator if simple else None
    return (
        twin("ticker", model.Ticker, names.TICKER),
        twin("trade", model.Trade, names.TRADE),
        twin("orderbook", model.OrderBook, names.ORDERBOOK, kinds={"orderbook_units": Raw}),
        *(twin(f"candle.{unit}", model.Candle, names.CANDLE) for unit in CANDLE_UNITS),
        twin("myOrder", model.MyOrder, names.MY_ORDER),
        twin("myAsset", model.MyAsset, names.MY_ASSET, kinds={"assets": _tuple_of(asset)}, finish=_finish_assets),
        twin("announcement", model.Announcement, names.ANNOUNCEMENT),
        twin("indicator", model.Indicator, names.INDICATOR, finish=indicator),
        twin("indicator_signal", model.IndicatorSignal, names.INDICATOR_SIGNAL, finish=indicator),
    )


def _twin(
    public: type[model.Message],
    short: Mapping[str, str],
    simple: bool,
    exact: bool,
    kinds: Mapping[str, Any] | None = None,
    tag: str | None = None,
) -> type[Any]:
    """A mutable class with the slots of ``public`` that decodes from the given names."""
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(public):
        kind = (kinds or {}).get(field.name, _number(field.type, exact))
        fields.append((field.name, kind) if field.required else (field.name, kind, field.default))
    rename = dict(short) if simple else {}
    if public is model.Candle:
        fields[0] = ("type", str, tag)
        rename["type"] = _NEVER_ON_THE_WIRE
    return msgspec.defstruct(
        f"_{public.__name__}Twin",
        fields,
        bases=(model.Message,),
        rename=rename,
        tag=tag,
        tag_field=("ty" if simple else "type") if tag else None,
        frozen=False,
        gc=False,
        kw_only=True,
    )


def _number(kind: Any, exact: bool) -> Any:
    if not exact:
        return kind
    if kind is float:
        return Decimal
    if kind == float | None:
        return Decimal | None
    return kind


def _tuple_of(kind: type[Any]) -> Any:
    return types.GenericAlias(tuple, (kind, ...))


def _finish_assets(message: Any) -> None:
    for asset in message.assets:
        asset.__class__ = model.Asset


def _finish_indicator(message: Any) -> None:
    message.params = _long_names(message.params, names.PARAMS)
    message.value = _long_names(message.value, names.VALUE)
    if getattr(message, "event_params", None):
        message.event_params = _long_names(message.event_params, names.EVENT_PARAMS)


def _long_names(content: Mapping[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    return {table.get(name, name): value for name, value in content.items()}


@cache
def _unit(simple: bool, exact: bool) -> Any:
    return _twin(model.OrderBookUnit, names.ORDERBOOK_UNIT, simple, exact) if simple or exact else model.OrderBookUnit


@cache
def _units_decoder(simple: bool, exact: bool) -> Callable[[bytes | Raw], tuple[Any, ...]]:
    return msgspec.json.Decoder(_tuple_of(_unit(simple, exact))).decode


@cache
def _unit_decoder(simple: bool, exact: bool) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(_unit(simple, exact)).decode


_default_unit: Callable[[bytes], Any] = msgspec.json.Decoder(model.OrderBookUnit).decode


def decode_units(raw: Raw, exact: bool) -> tuple[model.OrderBookUnit, ...]:
    """Read the units of an order book from the bytes that its message kept.

    Raises `MalformedMessage` where they are no units.
    """
    simple = _ASK_PRICE not in memoryview(raw)[:_FIRST_UNIT].tobytes()
    try:
        units = _units_decoder(simple, exact)(raw)
    except _UNREADABLE as error:
        raise MalformedMessage(f"the units of an order book cannot be read: {error}") from error
    if simple or exact:
        become(units, model.OrderBookUnit)
    return units


def decode_best(raw: Raw, exact: bool) -> model.OrderBookUnit | None:
    """The first of the units; None where there is none. Raises `MalformedMessage` where it is no unit."""
    first = first_object(raw)
    if first is None:  # it is the only one, or something new
        units = decode_units(raw, exact)
        return units[0] if units else None
    simple = not first.startswith(_DEFAULT_UNIT) and _ASK_PRICE not in first
    decode = _unit_decoder(simple, exact) if simple or exact else _default_unit
    try:
        unit = decode(first)
    except _UNREADABLE as error:
        raise MalformedMessage(f"the best unit of an order book cannot be read: {error}") from error
    if simple or exact:
        unit.__class__ = model.OrderBookUnit
    return unit  # type: ignore[no-any-return]  # made so just now


def _become(items: tuple[Any, ...], public: type[Any]) -> None:
    """Set the class of each."""
    for item in items:
        item.__class__ = public


def _first_object(raw: Raw) -> bytes | None:
    """The first of several flat objects in a list; None where that is not what it looks like."""
    first, brace, rest = memoryview(raw)[:_FIRST_UNIT].tobytes().partition(b"}")
    is_plain = first.startswith(b"[{") and first.rfind(b"{") == 1 and rest.startswith(b",{")
    return first[1:] + brace if is_plain else None


first_object: Callable[[Raw], bytes | None] = _first_object if native is None else native.first_object
become: Callable[[tuple[Any, ...], type[Any]], None] = _become if native is None else native.become

model.decode_units_with(model.UnitsDecoder(decode_units, decode_best))
