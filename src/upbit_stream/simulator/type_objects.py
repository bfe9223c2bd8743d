"""One data type object of a request: checked, and turned into the feeds it asks for.

Owns the fields that each type takes and what is wrong with them. Must not know the array around it, nor
which markets exist (an unknown market is no error).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from .studies import TIMEFRAMES_MS, study
from .wanted import DEFAULT_DEPTH, DEPTHS, EVERY_CODE, PLAIN, Depth, Feed, Topics, Wanted

CANDLE_UNITS = ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m")
CATEGORIES = ("notice", "trade", "wallet", "maintenance", "digital_asset", "nft", "service", "event")

_CANDLES = tuple(f"candle.{unit}" for unit in CANDLE_UNITS)
_ENDPOINT_OF = {
    **dict.fromkeys(("ticker", "trade", "orderbook", *_CANDLES), "public"),
    **dict.fromkeys(("myOrder", "myAsset", "announcement"), "private"),
    **dict.fromkeys(("indicator", "indicator_signal"), "info"),
}


class RequestError(Exception):
    """The exchange does not take the request; ``name`` as in its error frames."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def parse_type_object(item: Mapping[str, object], endpoint: str, *, authenticated: bool) -> Wanted:
    """What one type object asks for. Fields that the type does not have are ignored."""
    if "type" not in item:
        raise RequestError("NO_TYPE", "An object of the request has no type.")
    kind = item["type"]
    if not isinstance(kind, str) or kind not in _ENDPOINT_OF:
        raise RequestError("INVALID_PARAM", "The type is none of the exchange's.")
    home = _ENDPOINT_OF[kind]
    if home != endpoint:
        # Undocumented. Asking for private data without having said who you are reads as a matter of
        # authentication; any other misplaced type as a wrong parameter.
        if home == "private" and not authenticated:
            raise RequestError("INVALID_AUTH", f"{kind} needs authentication.")
        raise RequestError("INVALID_PARAM", f"{kind} is not served by the {endpoint} endpoint.")
    match home:
        case "public":
            return _public(kind, item)
        case "private":
            return _private(kind, item)
        case _:
            return _info(kind, item)


def _codes(item: Mapping[str, object], *, required: bool) -> tuple[str, ...]:
    codes = item.get("codes")
    if codes is None or codes == []:
        if required:
            raise RequestError("NO_CODES", "The type needs codes.")
        return ()
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise RequestError("WRONG_FORMAT", "The codes are not a list of strings.")
    return tuple(dict.fromkeys(codes))


def _flag(item: Mapping[str, object], name: str) -> bool:
    value = item.get(name, False)
    if not isinstance(value, bool):
        raise RequestError("INVALID_PARAM", f"{name} is neither true nor false.")
    return value


def _public(kind: str, item: Mapping[str, object]) -> Wanted:
    codes = _codes(item, required=True)
    snapshot_only, realtime_only = _flag(item, "is_only_snapshot"), _flag(item, "is_only_realtime")
    if snapshot_only and realtime_only:
        raise RequestError("INVALID_PARAM", "is_only_snapshot and is_only_realtime exclude each other.")
    listed: dict[str, object] = {"type": kind, "codes": list(codes)}
    if kind == "orderbook":
        level = _level(item)
        if "level" in item:
            listed["level"] = item["level"]
        feeds = tuple(_book_feed(code, level) for code in codes)
    else:
        feeds = tuple(Feed(kind, code, PLAIN) for code in codes)
    return Wanted(kind, feeds, listed, snapshot=not realtime_only, realtime=not snapshot_only)


def _level(item: Mapping[str, object]) -> Decimal:
    level = item.get("level", 0)
    if isinstance(level, bool) or not isinstance(level, int | float):
        raise RequestError("INVALID_PARAM", "The level is not a number.")
    return Decimal(repr(level))


def _book_feed(code: str, level: Decimal) -> Feed:
    market, _, unit = code.partition(".")
    units = int(unit) if unit.isascii() and unit.isdecimal() and len(unit) < 4 else DEFAULT_DEPTH
    return Feed("orderbook", market, Depth(units if units in DEPTHS else DEFAULT_DEPTH, level))


def _private(kind: str, item: Mapping[str, object]) -> Wanted:
    if kind == "myOrder":
        codes = _codes(item, required=False)
        feeds = tuple(Feed(kind, code, PLAIN) for code in codes or (EVERY_CODE,))
        return Wanted(kind, feeds, {"type": kind, "codes": list(codes)})
    if kind == "myAsset":
        if "codes" in item:
            raise RequestError("WRONG_FORMAT", "myAsset takes no codes.")
        return Wanted(kind, (Feed(kind, EVERY_CODE, PLAIN),), {"type": kind})
    categories = item.get("categories", [])
    if not isinstance(categories, list) or not all(category in CATEGORIES for category in categories):
        raise RequestError("INVALID_PARAM", "The categories are not a list of those offered.")
    topics = Topics(frozenset(categories), _flag(item, "include_body"))
    return Wanted(kind, (Feed(kind, EVERY_CODE, topics),), {"type": kind})


def _info(kind: str, item: Mapping[str, object]) -> Wanted:
    codes = _codes(item, required=True)
    if not all(code.startswith("KRW-") for code in codes):
        raise RequestError("INVALID_PARAM", "Indicators are offered for KRW markets only.")
    timeframe = item.get("timeframe")
    if not isinstance(timeframe, str) or timeframe not in TIMEFRAMES_MS:
        raise RequestError("INVALID_PARAM", f"The timeframe is none of {', '.join(TIMEFRAMES_MS)}.")
    definitions = item.get("indicators")
    if not isinstance(definitions, list) or not definitions:
        raise RequestError("INVALID_PARAM", "The indicators are not a list with something in it.")
    try:
        studies = [study(timeframe, one, signal=kind == "indicator_signal") for one in definitions]
    except (ValueError, TypeError) as problem:
        raise RequestError("INVALID_PARAM", f"{problem}.") from problem
    feeds = tuple(Feed(kind, code, one) for code in codes for one in dict.fromkeys(studies))
    return Wanted(kind, feeds, {"type": kind, "codes": list(codes), "timeframe": timeframe})
