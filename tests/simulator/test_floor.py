"""The generated market: a function of its seed, and consistent with itself."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from math import gcd
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.simulator import Exchange
from upbit_stream.simulator.floor import _ID_STRIDE, _IDS_A_SECOND, SequentialIds

Connect = Callable[..., Any]


def tape_of(exchange: Exchange) -> list[tuple[Any, ...]]:
    return [(t.code, t.sequential_id, t.price, t.volume, t.side, t.trade_timestamp) for t in exchange.tape]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 7_000), max_size=30))
def test_the_same_seed_gives_the_same_market_in_whatever_steps(steps: list[int]) -> None:
    straight = Exchange(start_ms=1_000, seed=7, trade_rate=5)
    stepped = Exchange(start_ms=1_000, seed=7, trade_rate=5)
    for step in steps:
        stepped.advance(stepped.agenda.now_ms + step)
    straight.advance(stepped.agenda.now_ms)
    assert tape_of(stepped) == tape_of(straight)


def test_listeners_do_not_change_the_market(connect: Connect) -> None:
    alone, watched = Exchange(start_ms=0, seed=3), Exchange(start_ms=0, seed=3)
    everything = ["ticker", "trade", "orderbook", "candle.1s"]
    connect(watched).ask(*({"type": kind, "codes": ["SGD-BTC", "SGD-ETH"]} for kind in everything))
    for exchange in (alone, watched):
        exchange.advance(60_000)
    assert tape_of(alone) == tape_of(watched)


def test_the_same_seed_gives_the_same_bytes(connect: Connect) -> None:
    def played(seed: int) -> list[bytes]:
        client = connect(seed=seed, endpoint="private", codes=["SGD-BTC"])
        client.ask({"type": "myOrder"}, {"type": "myAsset"}, {"type": "announcement"})
        return client.after(60_000).payloads()

    assert played(1) == played(1)
    assert played(1) != played(2)


def test_other_seeds_give_other_markets() -> None:
    one, other = (Exchange(start_ms=0, seed=seed) for seed in (1, 2))
    for exchange in (one, other):
        exchange.advance(30_000)
    assert tape_of(one) != tape_of(other)


def test_the_rate_is_trades_a_second_in_total() -> None:
    exchange = Exchange(start_ms=0, trade_rate=40, codes=["SGD-BTC", "SGD-ETH", "SGD-XRP"])
    exchange.advance(500_000)
    assert 0.95 < exchange.stats.trades / (40 * 500) < 1.05
    assert exchange.stats.trades == len(exchange.tape)
    counts = [sum(trade.code == code for trade in exchange.tape) for code in exchange.codes]
    assert max(counts) < 1.2 * min(counts)


def test_no_rate_no_trades_but_a_last_one_to_tell(connect: Connect) -> None:
    client = connect(trade_rate=0).ask({"type": "trade", "codes": ["SGD-BTC"]})
    client.after(60_000)
    (message,) = client.said()
    assert message["stream_type"] == "SNAPSHOT"
    assert len(client.exchange.tape) == 2


def test_the_tape_forgets_the_oldest() -> None:
    exchange = Exchange(start_ms=0, trade_rate=100, tape_limit=100)
    exchange.advance(60_000)
    assert 100 <= len(exchange.tape) <= 110
    assert exchange.stats.trades > 5_000
    assert exchange.tape[-1].trade_timestamp > 59_000


def test_ids_are_unique_long_and_no_order() -> None:
    exchange = Exchange(start_ms=1_790_000_000_123, trade_rate=50)
    exchange.advance(exchange.agenda.now_ms + 60_000)
    ids = [trade.sequential_id for trade in exchange.tape]
    assert len(set(ids)) == len(ids)
    assert {len(str(one)) for one in ids} == {17}
    times = [trade.trade_timestamp for trade in exchange.tape]
    assert times == sorted(times)
    assert len(set(times)) < len(times), "several trades share a millisecond"
    falls = sum(after < before for before, after in pairwise(ids))
    assert falls > len(ids) / 4


def test_ids_of_one_crowded_second_do_not_meet() -> None:
    ids = SequentialIds()
    given_out = {ids.next(1_790_000_000_000 + n % 1000) for n in range(50_000)}
    given_out |= {ids.next(1_790_000_001_000)}
    assert len(given_out) == 50_001
    assert gcd(_ID_STRIDE, _IDS_A_SECOND) == 1


def test_a_trade_is_published_after_it_happened_and_never_before_now(connect: Connect) -> None:
    client = connect(trade_rate=20).ask({"type": "trade", "codes": ["SGD-BTC"], "is_only_realtime": True})
    while client.now_ms < 1_790_000_010_000:
        client.exchange.advance(client.exchange.next_event_at_ms())
        for message in client.said():
            assert message["timestamp"] == client.now_ms > message["trade_timestamp"]


def test_what_is_told_is_what_is_on_the_tape(connect: Connect) -> None:
    midnight = 1_790_000_000_000 // 86_400_000 * 86_400_000
    client = connect(start_ms=midnight - 15_000, trade_rate=20).ask({"type": "trade", "codes": ["SGD-BTC"]})
    said = client.after(30_000).said()
    told = [(m["sequential_id"], m["trade_price"], m["trade_volume"], m["ask_bid"], m["trade_timestamp"]) for m in said]
    assert told == [
        (t.sequential_id, t.price, t.volume, t.side, t.trade_timestamp)
        for t in client.exchange.tape
        if t.code == "SGD-BTC"
    ]
    for message in said:
        at = datetime.fromtimestamp(message["trade_timestamp"] / 1000, UTC)
        assert message["trade_date"] + message["trade_time"] == f"{at:%Y-%m-%d%H:%M:%S}"


@pytest.mark.parametrize("code", ["SGD-BTC", "BTC-DOGE", "KRW-BTC"])
def test_trades_and_books_agree(connect: Connect, code: str) -> None:
    client = connect(codes=[code], trade_rate=30).ask(
        {"type": "trade", "codes": [code]}, {"type": "orderbook", "codes": [code]}
    )
    last_trade = None
    compared = 0
    for message in client.after(60_000).said():
        if message["type"] == "trade":
            last_trade = message
            continue
        units = message["orderbook_units"]
        asks, bids = [unit["ask_price"] for unit in units], [unit["bid_price"] for unit in units]
        assert asks == sorted(set(asks))
        assert bids == sorted(set(bids), reverse=True)
        assert 0 < bids[-1] < bids[0] < asks[0]
        assert all(unit["ask_size"] > 0 and unit["bid_size"] > 0 for unit in units)
        assert message["total_ask_size"] == sum(unit["ask_size"] for unit in units)
        assert message["total_bid_size"] == sum(unit["bid_size"] for unit in units)
        if last_trade is not None and last_trade["timestamp"] == message["timestamp"]:
            best = (units[0]["ask_price"], units[0]["ask_size"], units[0]["bid_price"], units[0]["bid_size"])
            assert best == tuple(
                last_trade[f"best_{side}_{what}"] for side in ("ask", "bid") for what in ("price", "size")
            )
            compared += 1
    assert compared > 100


def test_books_move_between_trades(connect: Connect) -> None:
    client = connect(codes=["SGD-BTC"], trade_rate=0).ask({"type": "orderbook", "codes": ["SGD-BTC"]})
    said = client.after(10_000).said()
    assert 25 <= len(said) <= 51
    assert all(one != other for one, other in pairwise(said))


def test_a_depth_is_the_top_of_the_whole_book(connect: Connect) -> None:
    exchange = Exchange(start_ms=0)
    clients = [connect(exchange).ask({"type": "orderbook", "codes": [f"SGD-BTC.{n}"]}) for n in (1, 5, 15, 30)]
    exchange.advance(3_000)
    one, five, fifteen, whole = (client.said() for client in clients)
    for books in zip(one, five, fifteen, whole, strict=True):
        for book, depth in zip(books, (1, 5, 15, 30), strict=True):
            assert book["orderbook_units"] == books[-1]["orderbook_units"][:depth]
            assert book["total_ask_size"] == books[-1]["total_ask_size"]


@pytest.mark.parametrize("level", [10_000, 100_000, 100_000_000])
def test_a_level_groups_prices(connect: Connect, level: int) -> None:
    exchange = Exchange(start_ms=0, codes=["KRW-BTC"])
    whole = connect(exchange).ask({"type": "orderbook", "codes": ["KRW-BTC"]})
    grouped = connect(exchange).ask({"type": "orderbook", "codes": ["KRW-BTC"], "level": level})
    exchange.advance(5_000)
    for fine, coarse in zip(whole.said(), grouped.said(), strict=True):
        units, fine_units = coarse["orderbook_units"], fine["orderbook_units"]
        assert coarse["level"] == level
        assert all(unit[side] % level == 0 for unit in units for side in ("ask_price", "bid_price"))
        first = units[0]["ask_price"]
        assert first - level < fine_units[0]["ask_price"] <= first
        assert units[0]["ask_size"] == sum(u["ask_size"] for u in fine_units if u["ask_price"] <= first)
        first = units[0]["bid_price"]
        assert first <= fine_units[0]["bid_price"] < first + level
        assert units[0]["bid_size"] == sum(u["bid_size"] for u in fine_units if u["bid_price"] >= first)


def folded(trades: list[Any], unit_ms: int) -> dict[str, tuple[Decimal, ...]]:
    candles: dict[str, list[Any]] = {}
    for trade in trades:
        start = trade.trade_timestamp // unit_ms * unit_ms // 1000
        name = f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%S}"
        candles.setdefault(name, []).append(trade)
    return {
        name: (
            inside[0].price,
            max(t.price for t in inside),
            min(t.price for t in inside),
            inside[-1].price,
            sum(t.volume for t in inside),
        )
        for name, inside in candles.items()
    }


@pytest.mark.parametrize(("unit", "unit_ms"), [("1s", 1_000), ("1m", 60_000), ("3m", 180_000)])
def test_the_last_candle_received_is_the_fold_of_its_trades(connect: Connect, unit: str, unit_ms: int) -> None:
    start_ms = 1_790_000_000_000 // 180_000 * 180_000
    client = connect(start_ms=start_ms, codes=["SGD-BTC"], trade_rate=1)
    client.ask({"type": f"candle.{unit}", "codes": ["SGD-BTC"], "is_only_realtime": True})
    client.after(400_003)
    fields = ("opening_price", "high_price", "low_price", "trade_price", "candle_acc_trade_volume")
    last: dict[str, tuple[Decimal, ...]] = {}
    for message in client.said():
        last[message["candle_date_time_utc"]] = tuple(message[field] for field in fields)
        utc = datetime.fromisoformat(message["candle_date_time_utc"])
        kst = datetime.fromisoformat(message["candle_date_time_kst"])
        assert (kst - utc).total_seconds() == 9 * 3600
    trades = [t for t in client.exchange.tape if start_ms <= t.trade_timestamp < start_ms + 400_000]
    assert last == folded(trades, unit_ms)


def test_a_candle_is_told_at_most_once_a_second_and_only_when_it_changed(connect: Connect) -> None:
    client = connect(codes=["SGD-BTC"], trade_rate=1).ask(
        {"type": "candle.1m", "codes": ["SGD-BTC"], "is_only_realtime": True}
    )
    said = []
    for _ in range(120):
        told = client.after(1_000).payloads()
        assert len(told) <= 1
        said += told
    assert 40 < len(said) < 110, "seconds without a trade are silent"
    assert len(set(said)) == len(said)


def test_tickers_follow_the_trades(connect: Connect) -> None:
    client = connect(codes=["SGD-BTC"], trade_rate=10).ask({"type": "ticker", "codes": ["SGD-BTC"]})
    said = client.after(60_000).said()
    first, last = said[0], said[-1]
    trades = client.exchange.tape[1:]
    assert last["trade_price"] == trades[-1].price
    volume = sum(trade.volume for trade in trades)
    assert last["acc_trade_volume"] - first["acc_trade_volume"] == volume
    asks = sum(trade.volume for trade in trades if trade.side == "ASK")
    assert last["acc_ask_volume"] - first["acc_ask_volume"] == asks
    for message in said:
        assert message["acc_ask_volume"] + message["acc_bid_volume"] == message["acc_trade_volume"]
        assert message["low_price"] <= message["trade_price"] <= message["high_price"]
        assert message["lowest_52_week_price"] <= message["low_price"]
        assert message["high_price"] <= message["highest_52_week_price"]
        signed = message["trade_price"] - message["prev_closing_price"]
        assert message["signed_change_price"] == signed
        assert message["change_price"] == abs(signed)
        assert message["change"] == ("RISE" if signed > 0 else "FALL" if signed < 0 else "EVEN")
        rate = signed / message["prev_closing_price"]
        assert abs(message["signed_change_rate"] - rate) < Decimal("1e-9")
    low = min(trade.price for trade in trades)
    assert last["low_price"] == min(low, first["low_price"])


def test_a_new_day_begins_at_midnight_utc(connect: Connect) -> None:
    midnight = 1_790_000_000_000 // 86_400_000 * 86_400_000
    client = connect(start_ms=midnight - 30_000, codes=["SGD-BTC"], trade_rate=5)
    client.ask({"type": "ticker", "codes": ["SGD-BTC"]})
    said = client.after(60_000).said()
    old, new = ([m for m in said if (m["trade_timestamp"] >= midnight) == later] for later in (False, True))
    assert new[0]["prev_closing_price"] == old[-1]["trade_price"]
    assert new[0]["acc_trade_volume"] < old[-1]["acc_trade_volume"]
    after = [t for t in client.exchange.tape if t.trade_timestamp >= midnight]
    assert new[-1]["acc_trade_volume"] == sum(t.volume for t in after)
    assert new[-1]["opening_price"] == after[0].price
    assert new[-1]["acc_trade_volume_24h"] > old[0]["acc_trade_volume"]


def test_prices_stay_sane_for_long(connect: Connect) -> None:
    exchange = Exchange(start_ms=0, codes=["BTC-SHIB", "IDR-PEPE"], trade_rate=50)
    exchange.advance(600_000)
    for market in exchange.markets.values():
        prices = [t.price for t in exchange.tape if t.code == market.instrument.code]
        reference = prices[0]
        assert all(reference / 2 < price < reference * 2 for price in prices)
        assert len(set(prices)) > 5


def test_codes_must_be_codes() -> None:
    for code in ("BTC", "sgd-btc", "SGD-BTC.5", ""):
        with pytest.raises(ValueError, match="market code"):
            Exchange(start_ms=0, codes=[code])


def test_a_code_named_twice_is_one_market() -> None:
    assert Exchange(start_ms=0, codes=["SGD-BTC", "SGD-BTC"]).codes == ("SGD-BTC",)


def test_payloads_are_compact_json(connect: Connect) -> None:
    (payload,) = connect(trade_rate=0).ask({"type": "trade", "codes": ["SGD-BTC"]}).payloads()
    assert b" " not in payload
    assert json.loads(payload)["code"] == "SGD-BTC"
