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
from upbit_stream.wire import names

# The encoded name of a candle's ``type`` field: the real one is the tag, which msgspec keeps to itself, so the
# field is filled by its default and this name, impossible on the wire, is never looked up.
_NEVER_ON_THE_WIRE = "(type)"

Finish = Callable[[Any], None]


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
def _units(simple: bool, exact: bool) -> msgspec.json.Decoder[tuple[Any, ...]]:
    twin = _twin(model.OrderBookUnit, names.ORDERBOOK_UNIT, simple, exact) if simple or exact else model.OrderBookUnit
    return msgspec.json.Decoder(_tuple_of(twin))


def decode_units(raw: Raw, exact: bool) -> tuple[model.OrderBookUnit, ...]:
    """Read the units of an order book from the bytes that its message kept.

    Raises `MalformedMessage` where they are no units.
    """
    simple = b'"ask_price"' not in memoryview(raw).tobytes()
    try:
        units = _units(simple, exact).decode(raw)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        raise MalformedMessage(f"the units of an order book cannot be read: {error}") from error
    if simple or exact:
        for unit in units:
            unit.__class__ = model.OrderBookUnit
    return units


model.decode_units_with(decode_units)
