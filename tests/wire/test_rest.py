"""Rows of REST answers become the messages that the stream would have sent, digit for digit."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from upbit_stream.errors import MalformedMessage
from upbit_stream.model.messages import Candle, MyAsset, MyOrder, Trade
from upbit_stream.model.subscription import CANDLE_UNITS
from upbit_stream.wire.decoder import Decoder
from upbit_stream.wire.rest import (
    BalanceRow,
    CandleRow,
    OrderRow,
    TradeRow,
    assets_payload,
    read_balances,
    read_candles,
    read_error,
    read_orders,
    read_trades,
)

steady = settings(derandomize=True, deadline=None)
NOW = 1_760_000_000_123

TRADE = {
    "market": "SGD-BTC",
    "trade_date_utc": "2025-10-09",
    "trade_time_utc": "08:53:20",
    "timestamp": 1_760_000_000_123,
    "trade_price": 130396.0,
    "trade_volume": 0.00031416,
    "prev_closing_price": 130400.0,
    "change_price": -4.0,
    "ask_bid": "ASK",
    "sequential_id": 17600000001230001,
}
CANDLE = {
    "market": "SGD-BTC",
    "candle_date_time_utc": "2025-10-09T08:53:00",
    "candle_date_time_kst": "2025-10-09T17:53:00",
    "opening_price": 130400.0,
    "high_price": 130410.5,
    "low_price": 130390.0,
    "trade_price": 130396.0,
    "timestamp": 1_760_000_000_123,
    "candle_acc_trade_price": 1234567.89,
    "candle_acc_trade_volume": 9.46789,
    "unit": 1,
}
ORDER = {
    "uuid": "56a7da93-71f5-491e-ac7b-faca2083a328",
    "side": "bid",
    "ord_type": "limit",
    "price": "130396.00",
    "state": "wait",
    "market": "SGD-BTC",
    "created_at": "2025-10-09T17:53:20+09:00",
    "volume": "0.30",
    "remaining_volume": "0.10",
    "reserved_fee": "97.797",
    "remaining_fee": "32.599",
    "paid_fee": "65.198",
    "locked": "13072.199",
    "executed_volume": "0.20",
    "executed_funds": "26079.2",
    "trades_count": 2,
    "time_in_force": "ioc",
    "identifier": 'mine "1"',
    "smp_type": "reduce",
    "prevented_volume": "0",
    "prevented_locked": "0",
}
BALANCE = {"currency": "SGD", "balance": "1386929.37231066771348207123", "locked": "0.0", "avg_buy_price": "0"}

numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True).map(
    lambda text: text.encode("ascii")
)
codes = st.from_regex(r"[A-Z]{3,4}-[A-Z0-9]{2,10}", fullmatch=True)
moments = st.integers(1_262_304_000_000, 7_258_118_399_999)


def one(payload: bytes, simple: bool, exact: bool) -> Any:
    """The message, through each format's own decoder; a list's element is the same object."""
    name, listed = ("SIMPLE", "SIMPLE_LIST") if simple else ("DEFAULT", "JSON_LIST")
    (message,) = Decoder(name, exact=exact).decode(payload, 7)
    assert Decoder(listed, exact=exact).decode(b"[" + payload + b"]", 7) == [message]
    assert Decoder("DEFAULT" if simple else "SIMPLE", exact=exact).decode(payload, 7) == [message]
    assert message.received_at_ns == 7
    assert message.stream_type == "RECOVERED"
    return message


def number(text: bytes, exact: bool) -> Any:
    return Decimal(text.decode()) if exact else float(text)


@steady
@given(
    codes,
    *[numbers] * 4,
    moments,
    st.integers(0, 10**17),
    st.sampled_from(["ASK", "BID"]),
    st.booleans(),
    st.booleans(),
)
def test_a_trade_is_the_message_with_exactly_its_values(
    code, price, volume, close, change, at_ms, ident, side, simple, exact
):
    body = b'[{"market":"%s","trade_price":%s,"trade_volume":%s,"prev_closing_price":%s,"change_price":%s,' % (
        code.encode(),
        *(price, volume, close, change),
    )
    body += (
        b'"timestamp":%d,"sequential_id":%d,"ask_bid":"%s","trade_date_utc":"2025-10-09","trade_time_utc":"08:53:20"}]'
        % (at_ms, ident, side.encode())
    )
    (row,) = read_trades(body)
    signed = Decimal(change.decode())
    assert one(row.payload(simple), simple, exact) == Trade(
        code=code,
        trade_price=number(price, exact),
        trade_volume=number(volume, exact),
        ask_bid=side,
        prev_closing_price=number(close, exact),
        change="RISE" if signed > 0 else "FALL" if signed < 0 else "EVEN",
        change_price=abs(number(change, exact)),
        trade_date="2025-10-09",
        trade_time="08:53:20",
        trade_timestamp=at_ms,
        timestamp=at_ms,
        sequential_id=ident,
        stream_type="RECOVERED",
        received_at_ns=7,
    )


def test_a_trade_has_its_digits_and_the_exchanges_order_of_fields():
    (row,) = read_trades(json.dumps([TRADE]).replace("-4.0", "-4.00").encode())
    assert row.payload() == (
        b'{"type":"trade","code":"SGD-BTC","trade_price":130396.0,"trade_volume":0.00031416,"ask_bid":"ASK",'
        b'"prev_closing_price":130400.0,"change":"FALL","change_price":4.00,"trade_date":"2025-10-09",'
        b'"trade_time":"08:53:20","trade_timestamp":1760000000123,"timestamp":1760000000123,'
        b'"sequential_id":17600000001230001,"stream_type":"RECOVERED"}'
    )
    assert list(json.loads(row.payload(simple=True)))[:4] == ["ty", "cd", "tp", "tv"]


@pytest.mark.parametrize("missing", [{"change_price", "prev_closing_price"}, {"change_price"}, set()])
def test_a_trade_without_yesterdays_price_is_told_with_zero(missing):
    row = {name: (None if name in ("change_price", "prev_closing_price") else value) for name, value in TRADE.items()}
    row = {name: value for name, value in row.items() if name not in missing}
    (read,) = read_trades(json.dumps([row]).encode())
    message = one(read.payload(), simple=False, exact=False)
    assert (message.change, message.change_price, message.prev_closing_price) == ("EVEN", 0.0, 0.0)


@steady
@given(st.lists(numbers, min_size=6, max_size=6), st.sampled_from(CANDLE_UNITS), st.booleans(), st.booleans())
def test_a_candle_is_the_message_with_exactly_its_values(drawn, unit, simple, exact):
    names = [name for name, value in CANDLE.items() if isinstance(value, float)]
    body = json.dumps([{**CANDLE, **{name: f"<{n}>" for n, name in enumerate(names)}}]).encode()
    for place, digits in enumerate(drawn):
        body = body.replace(b'"<%d>"' % place, digits)
    (row,) = read_candles(body)
    told = {name: number(digits, exact) for name, digits in zip(names, drawn, strict=True)}
    assert one(row.payload(unit, simple), simple, exact) == Candle(
        type=f"candle.{unit}",
        code="SGD-BTC",
        candle_date_time_utc="2025-10-09T08:53:00",
        candle_date_time_kst="2025-10-09T17:53:00",
        timestamp=NOW,
        stream_type="RECOVERED",
        received_at_ns=7,
        **told,
    )
    assert row.volume == float(drawn[5])
    assert row.start_ms == 1_759_999_980_000


amounts = st.decimals(min_value=-(10**9), max_value=10**30, allow_nan=False, allow_infinity=False)


@steady
@given(
    st.dictionaries(
        st.sampled_from([name for name, value in ORDER.items() if str(value).replace(".", "").isdecimal()]), amounts
    ),
    st.sampled_from(["bid", "ask"]),
    st.booleans(),
    st.booleans(),
)
def test_an_order_is_the_message_with_exactly_its_values(drawn, side, simple, exact):
    drawn.pop("trades_count", None)
    row = {**ORDER, "side": side, **{name: str(amount) for name, amount in drawn.items()}}
    (read,) = read_orders(json.dumps([row]).encode())
    message = one(read.payload(NOW, simple), simple, exact)
    assert type(message) is MyOrder
    told = message.to_dict()
    for name, value in row.items():
        if isinstance(value, str) and name in told and name not in ("uuid", "state", "identifier"):
            assert str(told[name]) == value or Decimal(value) == told[name]
    assert message.ask_bid == side.upper()
    assert (message.code, message.uuid, message.state) == (row["market"], row["uuid"], "wait")
    assert (message.order_type, message.identifier, message.trades_count) == ("limit", 'mine "1"', 2)
    assert (message.timestamp, message.order_timestamp) == (NOW, 1_760_000_000_000)
    unknown = (message.avg_price, message.trade_uuid, message.trade_fee, message.is_maker, message.trade_timestamp)
    assert unknown == (None,) * 5


def test_an_order_may_lack_what_the_exchange_leaves_out():
    optional = ["price", "volume", "remaining_volume", "reserved_fee", "remaining_fee", "executed_funds"]
    optional += ["time_in_force", "identifier", "smp_type", "prevented_volume", "prevented_locked"]
    row = {name: value for name, value in ORDER.items() if name not in optional}
    for body in ([row], [{**row, **dict.fromkeys(optional)}]):
        (read,) = read_orders(json.dumps(body).encode())
        message = one(read.payload(NOW), simple=False, exact=False)
        assert [getattr(message, name) for name in optional] == [None] * len(optional)


@pytest.mark.parametrize(
    "created", ["2025-10-09T17:53:20+09:00", "2025-10-09T08:53:20Z", "2025-10-09T17:53:20", "2025-10-09T08:53:20+00:00"]
)
def test_an_order_was_placed_in_korean_time_unless_it_says_otherwise(created):
    (row,) = read_orders(json.dumps([{**ORDER, "created_at": created}]).encode())
    assert row.created_ms == 1_760_000_000_000


@steady
@given(st.lists(st.tuples(amounts, amounts), max_size=5), st.booleans(), st.booleans())
def test_balances_are_one_message_with_all_their_decimals(drawn, simple, exact):
    rows = [{"currency": f"C{n}", "balance": str(a), "locked": str(b)} for n, (a, b) in enumerate(drawn)]
    read = read_balances(json.dumps(rows).encode())
    message = one(assets_payload(read, "asset-1", NOW, simple), simple, exact)
    assert type(message) is MyAsset
    assert [(asset.balance, asset.locked) for asset in message.assets] == drawn
    assert [asset.currency for asset in message.assets] == [row["currency"] for row in rows]
    assert (message.asset_uuid, message.asset_timestamp, message.timestamp) == ("asset-1", NOW, NOW)


WRONG_NUMBERS = [b'"1.5 "', b'"one"', b'""', b"{}", b"[1]", b"true", b"null", b"1e999", b"-1e999", b"1e-9999", b"NaN"]
WRONG_NUMBERS.append(b"9" * 400)


def test_a_number_in_quotes_is_a_number():
    (trade,) = read_trades(json.dumps([{**TRADE, "trade_price": "1.50", "change_price": "-0.1"}]).encode())
    message = one(trade.payload(), False, True)
    assert (str(message.trade_price), str(message.change_price), message.change) == ("1.50", "0.1", "FALL")


@pytest.mark.parametrize("wrong", WRONG_NUMBERS)
@pytest.mark.parametrize("name", ["trade_price", "trade_volume", "change_price", "opening_price"])
def test_what_is_no_number_is_not_put_into_a_message(name, wrong):
    row, read = (TRADE, read_trades) if name in TRADE else (CANDLE, read_candles)
    if name == "change_price" and wrong == b"null":
        return  # the exchange may not know it
    body = json.dumps([{**row, name: "<>"}]).encode().replace(b'"<>"', wrong)
    with pytest.raises(MalformedMessage, match="cannot be read"):
        read(body)


@pytest.mark.parametrize(
    ("row", "name", "wrong"),
    [
        (TRADE, "market", "sgd-btc"),
        (TRADE, "market", "SGD-BTC\n"),
        (TRADE, "market", 'SGD-BTC","x":"'),
        (TRADE, "sequential_id", "17"),
        (TRADE, "sequential_id", -1),
        (TRADE, "sequential_id", 2**70),
        (TRADE, "sequential_id", None),
        (TRADE, "timestamp", 1_760_000_000),
        (TRADE, "timestamp", 1_760_000_000_123_000),
        (TRADE, "timestamp", 1_760_000_000_123.5),
        (TRADE, "ask_bid", "bid"),
        (TRADE, "trade_date_utc", "20251009"),
        (TRADE, "trade_time_utc", "08:53"),
        (CANDLE, "candle_date_time_utc", "2025-13-09T08:53:00"),
        (CANDLE, "candle_date_time_utc", "1999-10-09T08:53:00"),
        (CANDLE, "candle_date_time_utc", "2025-10-09T08:53:00Z"),
        (CANDLE, "candle_date_time_kst", "yesterday"),
        (ORDER, "side", "BID"),
        (ORDER, "price", "NaN"),
        (ORDER, "locked", "Infinity"),
        (ORDER, "locked", None),
        (ORDER, "paid_fee", "1e999999"),
        (ORDER, "paid_fee", "1e-999999"),
        (ORDER, "paid_fee", "9" * 100),
        (ORDER, "created_at", "yesterday"),
        (ORDER, "created_at", "0001-01-01T00:00:00+09:00"),
        (ORDER, "created_at", "9999-12-31T23:59:59-09:00"),
        (ORDER, "trades_count", -1),
        (BALANCE, "balance", "sNaN"),
        (BALANCE, "currency", ""),
    ],
)
def test_a_row_with_a_value_of_another_kind_is_refused(row, name, wrong):
    reads = [read_trades, read_candles, read_orders, read_balances]
    read = reads[[TRADE, CANDLE, ORDER, BALANCE].index(row)]
    assert read(json.dumps([row, row]).encode())
    with pytest.raises(MalformedMessage):
        read(json.dumps([row, {**row, name: wrong}]).encode())


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"[", b"[1]", b"[{}]", b'{"error":{"name":404}}', b"\xff", b"[[]]"]
)
@pytest.mark.parametrize("read", [read_trades, read_candles, read_orders, read_balances])
def test_what_is_no_list_of_rows_is_refused(read, body):
    with pytest.raises(MalformedMessage):
        read(body)


@pytest.mark.parametrize("read", [read_trades, read_candles, read_orders, read_balances])
def test_an_empty_answer_is_no_rows_and_unknown_fields_are_no_error(read):
    assert read(b"[]") == []
    for kind, row in ((TradeRow, TRADE), (CandleRow, CANDLE), (OrderRow, ORDER), (BalanceRow, BALANCE)):
        if read.__annotations__["return"] == f"list[{kind.__name__}]":
            assert len(read(json.dumps([{**row, "new": {"a": [1]}}]).encode())) == 1


def test_a_row_that_a_program_makes_is_checked_too():
    values: dict[str, Any]
    values = {name: Raw(json.dumps(value).encode()) if type(value) is float else value for name, value in TRADE.items()}
    assert TradeRow(**values) == read_trades(json.dumps([TRADE]).encode())[0]
    with pytest.raises(ValueError, match="no number"):
        TradeRow(**{**values, "trade_price": Raw(b'"1","x":2')})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":{"name":404,"message":"Code not found"}}', ("404", "Code not found")),
        (b'{"error":{"name":"jwt_verification","message":"no"}}', ("jwt_verification", "no")),
        (b'{"name":"too_many_requests","message":"wait"}', ("too_many_requests", "wait")),
        (b'{"error":"text"}', ("", "text")),
        (b'{"error":{"name":[1],"message":{}}}', ("", "")),
        (b"<html>gateway</html>", ("", "<html>gateway</html>")),
        (b"Too many API requests.", ("", "Too many API requests.")),
        (b"\xff\xfe", ("", "\ufffd\ufffd")),
        (b"[]", ("", "")),
        (b"", ("", "")),
        (b"[" * 20_000, ("", "[" * 200)),
    ],
)
def test_an_error_tells_its_name_and_text_as_far_as_it_has_any(body, said):
    assert read_error(body) == said
