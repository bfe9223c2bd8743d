"""Every type in all four formats, against the documented names, order and kinds of value."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from upbit_stream.simulator import DEFAULT_ACCESS_KEY, Exchange
from upbit_stream.simulator.type_objects import CANDLE_UNITS

from . import documented as doc

Connect = Callable[..., Any]
STYLES = {
    "DEFAULT": (False, False),
    None: (False, False),
    "SIMPLE": (True, False),
    "JSON_LIST": (False, True),
    "SIMPLE_LIST": (True, True),
}
PUBLIC = {
    "ticker": doc.TICKER,
    "trade": doc.TRADE,
    "orderbook": doc.ORDERBOOK,
    **{f"candle.{unit}": doc.CANDLE for unit in CANDLE_UNITS},
}
CODES = ["SGD-BTC", "KRW-XRP", "BTC-SHIB", "IDR-ETH", "USDT-DOGE", "THB-USDT"]

RSI = {"type": "rsi", "params": {"period": 14}}
STUDIES: list[tuple[dict[str, Any], Any, Any]] = [
    ({"type": "volume", "params": {"period": 20}}, ["volume", "avg_volume", "ratio"], "volume_spike"),
    (RSI, ["rsi"], "overbought"),
    ({"type": "moving_average", "params": {"period": 20, "type": "EMA"}}, ["value"], "price_cross_above"),
    (
        {"type": "ma_crossover", "params": {"short_period": 5, "long_period": 20, "type": "SMA"}},
        ["ma_short", "ma_long"],
        "golden_cross",
    ),
    (
        {"type": "bollinger_bands", "params": {"period": 20, "multiplier": 2}},
        ["bb_upper", "bb_middle", "bb_lower"],
        "price_cross_below",
    ),
    (
        {"type": "macd", "params": {"fast": 12, "slow": 26, "signal_period": 9}},
        ["macd", "macd_signal", "histogram"],
        "zero_cross_above",
    ),
]


def messages(client: Any, *, listed: bool) -> list[dict[str, Any]]:
    found = []
    for payload in client.payloads():
        assert not re.search(rb"[\d.][eE][+-]?\d", re.sub(rb'"[^"]*"', b"", payload)), payload
        said = json.loads(payload, parse_float=Decimal)
        assert isinstance(said, list) == listed
        found += said if listed else [said]
    return found


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", PUBLIC)
def test_public_types(connect: Connect, kind: str, style: str | None) -> None:
    simple, listed = STYLES[style]
    client = connect(codes=CODES, trade_rate=20).ask({"type": kind, "codes": CODES}, style=style)
    said = messages(client.after(3_100), listed=listed)
    assert len(said) > 2 * len(CODES)
    for message in said:
        assert list(message) == doc.keys(PUBLIC[kind], simple=simple)
        assert message["ty" if simple else "type"] == kind
        if kind == "orderbook":
            units = message["obu" if simple else "orderbook_units"]
            assert len(units) == 30
            assert all(list(unit) == doc.keys(doc.ORDERBOOK_UNIT, simple=simple) for unit in units)


def test_snapshots_of_one_type_share_an_array_in_the_list_formats(connect: Connect) -> None:
    client = connect(codes=CODES).ask(
        {"type": "trade", "codes": CODES}, {"type": "ticker", "codes": CODES[:2]}, style="JSON_LIST"
    )
    assert [len(message) for message in client.said()] == [len(CODES), 2]


@pytest.mark.parametrize("style", STYLES)
def test_private_types(connect: Connect, style: str | None) -> None:
    simple, listed = STYLES[style]
    client = connect(endpoint="private", private_rate=5)
    client.ask({"type": "myOrder"}, {"type": "myAsset"}, {"type": "announcement", "include_body": True}, style=style)
    said = messages(client.after(61_000), listed=listed)
    kind = "ty" if simple else "type"
    tables = {"myOrder": doc.MY_ORDER, "myAsset": doc.MY_ASSET, "announcement": doc.ANNOUNCEMENT}
    assert {message[kind] for message in said} == set(tables)
    for message in said:
        assert list(message) == doc.keys(tables[message[kind]], simple=simple)
        for asset in message.get("ast" if simple else "assets", ()):
            assert list(asset) == doc.keys(doc.ASSET, simple=simple)


@pytest.mark.parametrize("style", STYLES)
def test_indicators(connect: Connect, style: str | None) -> None:
    simple, listed = STYLES[style]
    client = connect(endpoint="info", codes=["KRW-BTC"], trade_rate=1)
    definitions = [study for study, _, _ in STUDIES]
    client.ask({"type": "indicator", "codes": ["KRW-BTC"], "timeframe": "5m", "indicators": definitions}, style=style)
    said = messages(client.after(300_010), listed=listed)
    assert [message["ind" if simple else "indicator"] for message in said] == [d["type"] for d in definitions]
    for message, (definition, values, _) in zip(said, STUDIES, strict=True):
        assert list(message) == doc.keys(doc.INDICATOR, simple=simple)
        short = dict(doc.pairs(doc.PARAMS))
        params = {short[k] if simple else k: v for k, v in definition["params"].items()}
        assert message["p" if simple else "params"] == params
        names = dict(doc.pairs(doc.VALUE))
        assert list(message["v" if simple else "value"]) == [names[v] if simple else v for v in values]


@pytest.mark.parametrize("style", STYLES)
def test_signals(connect: Connect, style: str | None) -> None:
    simple, listed = STYLES[style]
    event = {"volume_spike": {"multiplier": 3}, "overbought": {"threshold": 70}}
    definitions: list[dict[str, Any]] = [
        study | {"trigger": trigger, "event_params": event.get(trigger, {})} for study, _, trigger in STUDIES
    ]
    definitions[0]["params"] = {"period": 10}
    wanted = {"type": "indicator_signal", "codes": ["KRW-BTC"], "timeframe": "15m", "indicators": definitions}
    client = connect(endpoint="info", codes=["KRW-BTC"], trade_rate=0).ask(wanted, style=style)
    for definition, (_, values, _) in zip(definitions, STUDIES, strict=True):
        client.exchange.publish(
            {
                "type": "indicator_signal",
                "code": "KRW-BTC",
                "timeframe": "15m",
                "indicator": definition["type"],
                "params": definition["params"],
                "trigger": definition["trigger"],
                "event_params": definition["event_params"],
                "value": dict.fromkeys(values, Decimal("1E-7")),
                "candle_date_time_utc": "2026-09-21T14:00:00",
                "timestamp": 1,
                "stream_type": "REALTIME",
            }
        )
    said = messages(client, listed=listed)
    assert len(said) == len(definitions)
    long, short = dict(doc.pairs(doc.EVENT_PARAMS)), simple
    for message, definition in zip(said, definitions, strict=True):
        assert list(message) == doc.keys(doc.SIGNAL, simple=simple)
        expected = {long[key] if short else key: value for key, value in definition["event_params"].items()}
        assert message["ep" if simple else "event_params"] == expected


def test_values_are_of_the_documented_kinds(connect: Connect) -> None:
    client = connect(trade_rate=20).ask(
        {"type": "trade", "codes": ["SGD-BTC"]}, {"type": "ticker", "codes": ["SGD-BTC"]}
    )
    for message in client.after(5_000).said():
        daily = message["type"] == "ticker"
        assert re.fullmatch(r"\d{8}" if daily else r"\d{4}-\d\d-\d\d", message["trade_date"])
        assert re.fullmatch(r"\d{6}" if daily else r"\d\d:\d\d:\d\d", message["trade_time"])
        assert message["ask_bid"] in {"ASK", "BID"}
        assert message["change"] in {"RISE", "EVEN", "FALL"}
        assert isinstance(message["trade_timestamp"], int)
        assert message["timestamp"] > message["trade_timestamp"]
        numbers = [value for value in message.values() if isinstance(value, Decimal)]
        assert len(numbers) >= 8
        assert all(-int(value.as_tuple().exponent) <= (10 if daily else 8) for value in numbers)


def test_publish_reaches_those_subscribed_in_their_format(connect: Connect) -> None:
    exchange = Exchange(start_ms=0, trade_rate=0, private_rate=0)
    short = connect(exchange).ask({"type": "trade", "codes": ["SGD-XYZ"]}, style="SIMPLE_LIST")
    long = connect(exchange).ask({"type": "trade", "codes": ["SGD-XYZ"]})
    other = connect(exchange).ask({"type": "trade", "codes": ["SGD-ABC"]})
    private = connect(exchange, endpoint="private").ask({"type": "myOrder"}, {"type": "myAsset"})
    exchange.publish({"type": "trade", "code": "SGD-XYZ", "trade_price": 1e-7, "brand_new": [1]})
    exchange.publish({"type": "myOrder", "code": "SGD-BTC"}, account=DEFAULT_ACCESS_KEY)
    exchange.publish({"type": "myAsset"}, account="someone else")
    assert short.payloads() == [b'[{"ty":"trade","cd":"SGD-XYZ","tp":0.0000001,"brand_new":[1]}]']
    assert long.payloads() == [b'{"type":"trade","code":"SGD-XYZ","trade_price":0.0000001,"brand_new":[1]}']
    assert other.payloads() == []
    assert [message["type"] for message in private.said()] == ["myOrder"]
