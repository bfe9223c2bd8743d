"""REST about markets: the same trades and candles as on the streams, a UTC day at a time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.simulator import Exchange, Trade

from .asking import ask, error, said

Connect = Callable[..., Any]
TICKS, SECONDS, MINUTES = "/v1/trades/ticks", "/v1/candles/seconds", "/v1/candles/minutes/"
DAY_MS = 86_400_000
NOON_MS = 1_790_000_000_000 // DAY_MS * DAY_MS + DAY_MS // 2
CODE = "SGD-BTC"


@cache
def old_exchange() -> Exchange:
    """Open for eight days and more, with thin trade; nothing is changed in it."""
    return Exchange(
        start_ms=NOON_MS,
        trade_rate=0,
        private_rate=0,
        history_ms=9 * DAY_MS,
        history_rate=0.005,
        limits_enforced=False,
    )


def trades_of(exchange: Exchange, days_ago: int, code: str = CODE) -> list[Trade]:
    day = exchange.agenda.now_ms // DAY_MS - days_ago
    return [t for t in exchange.tape if t.code == code and t.trade_timestamp // DAY_MS == day]


def ids(told: list[dict[str, Any]] | list[Trade]) -> list[int]:
    return [t.sequential_id if isinstance(t, Trade) else t["sequential_id"] for t in told]


def paged(exchange: Exchange, days_ago: int, count: int) -> list[dict[str, Any]]:
    day: dict[str, Any] = {"days_ago": days_ago} if days_ago else {}
    found: list[dict[str, Any]] = []
    while page := said(ask(exchange, TICKS, market=CODE, count=count, **day)):
        assert len(page) <= count
        found += page
        day["cursor"] = page[-1]["sequential_id"]
    return found


# Trades


@settings(deadline=None, max_examples=25)
@given(st.integers(3, 500), st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True))
def test_paging_by_cursor_gives_exactly_the_tape_of_each_day(count: int, days: list[int]) -> None:
    exchange = old_exchange()
    for days_ago in days:
        kept = trades_of(exchange, days_ago)
        assert len(kept) > 80
        assert len({t.trade_timestamp for t in kept}) < len(kept), "several share a millisecond"
        assert ids(kept) != sorted(ids(kept)), "ids do not give the order"
        assert ids(paged(exchange, days_ago, count)) == ids(kept)[::-1]


def test_paging_one_by_one() -> None:
    exchange = old_exchange()
    assert ids(paged(exchange, 3, 1)) == ids(trades_of(exchange, 3))[::-1]


def test_the_tape_reaches_seven_days_back_and_today() -> None:
    exchange = old_exchange()
    oldest = exchange.tape[0].trade_timestamp
    today = NOON_MS // DAY_MS
    assert oldest // DAY_MS == today - 7
    assert all(trades_of(exchange, days_ago) for days_ago in range(8))


def test_a_new_day_forgets_the_eighth_before() -> None:
    midnight = NOON_MS // DAY_MS * DAY_MS
    options: dict[str, Any] = {"history_ms": 8 * DAY_MS, "history_rate": 0.01, "limits_enforced": False}
    exchange = Exchange(start_ms=midnight - 60_000, trade_rate=0.5, codes=[CODE], **options)
    assert trades_of(exchange, 7)
    exchange.advance(midnight + 60_000)
    assert min(t.trade_timestamp for t in exchange.tape) // DAY_MS == midnight // DAY_MS - 7
    assert ids(paged(exchange, 7, 500)) == ids(trades_of(exchange, 7))[::-1]


def test_days_part_at_midnight_utc(connect: Connect) -> None:
    midnight = NOON_MS // DAY_MS * DAY_MS
    exchange = Exchange(start_ms=midnight - 30_000, trade_rate=40, codes=[CODE], limits_enforced=False)
    exchange.advance(midnight + 30_000)
    today, yesterday = paged(exchange, 0, 100), paged(exchange, 1, 100)
    assert {t["trade_date_utc"] for t in today} == {f"{datetime.fromtimestamp(midnight / 1000, UTC):%Y-%m-%d}"}
    assert min(t["timestamp"] for t in today) >= midnight > max(t["timestamp"] for t in yesterday)
    assert ids(today) + ids(yesterday) == ids(list(exchange.tape))[::-1]
    # At midnight itself today is empty, until someone trades.
    fresh = Exchange(start_ms=midnight, trade_rate=0, codes=[CODE])
    assert said(ask(fresh, TICKS, market=CODE)) == []
    assert len(said(ask(fresh, TICKS, market=CODE, days_ago=1))) == 1


def test_a_trade_is_told_as_on_the_stream(connect: Connect) -> None:
    client = connect(trade_rate=30).ask({"type": "trade", "codes": [CODE], "is_only_realtime": True})
    live = {message["sequential_id"]: message for message in client.after(20_000).said()}
    told = said(ask(client.exchange, TICKS, market=CODE, count=len(live)))
    assert ids(told) == list(live)[::-1]
    for trade in told:
        message = live[trade["sequential_id"]]
        assert list(trade) == [
            "market",
            "trade_date_utc",
            "trade_time_utc",
            "timestamp",
            "trade_price",
            "trade_volume",
            "prev_closing_price",
            "change_price",
            "ask_bid",
            "sequential_id",
        ]
        assert trade["market"] == message["code"]
        assert trade["timestamp"] == message["trade_timestamp"] < message["timestamp"]
        assert (trade["trade_date_utc"], trade["trade_time_utc"]) == (message["trade_date"], message["trade_time"])
        for field in ("trade_price", "trade_volume", "prev_closing_price", "ask_bid"):
            assert trade[field] == message[field]
        assert trade["change_price"] == trade["trade_price"] - trade["prev_closing_price"]


@settings(deadline=None)
@given(st.integers(0, 86_399), st.integers(1, 500), st.sampled_from(["%H%M%S", "%H:%M:%S"]))
def test_to_is_exclusive_and_of_that_day(second: int, count: int, written: str) -> None:
    exchange = old_exchange()
    to_ms = (NOON_MS // DAY_MS - 2) * DAY_MS + second * 1_000
    to = datetime.fromtimestamp(to_ms / 1000, UTC).strftime(written)
    told = said(ask(exchange, TICKS, market=CODE, count=count, days_ago=2, to=to))
    before = [t for t in trades_of(exchange, 2) if t.trade_timestamp < to_ms]
    assert ids(told) == ids(before)[::-1][:count]


def test_cursor_and_to_both_count() -> None:
    exchange = old_exchange()
    kept = trades_of(exchange, 2)
    early, late = kept[20], kept[60]

    def asked(cursor: Trade, to: Trade) -> list[int]:
        at = datetime.fromtimestamp(to.trade_timestamp / 1000, UTC)
        parameters: dict[str, Any] = {"cursor": cursor.sequential_id, "to": f"{at:%H%M%S}"}
        return ids(said(ask(exchange, TICKS, market=CODE, count=500, days_ago=2, **parameters)))

    second_ms = late.trade_timestamp // 1_000 * 1_000
    assert asked(early, late) == ids(kept[:20])[::-1]
    assert asked(kept[-1], late) == ids([t for t in kept if t.trade_timestamp < second_ms])[::-1]


def test_to_on_the_very_second_of_a_trade() -> None:
    exchange = Exchange(start_ms=NOON_MS + 3, trade_rate=0, codes=[CODE])
    (trade,) = exchange.tape
    assert trade.trade_timestamp == NOON_MS
    assert said(ask(exchange, TICKS, market=CODE, to="120000")) == []
    assert len(said(ask(exchange, TICKS, market=CODE, to="120001"))) == 1


def test_a_cursor_of_another_day() -> None:
    exchange = old_exchange()
    kept = {days_ago: trades_of(exchange, days_ago) for days_ago in (1, 2, 3)}
    later, earlier = kept[1][5].sequential_id, kept[3][5].sequential_id
    told = said(ask(exchange, TICKS, market=CODE, count=5, days_ago=2, cursor=later))
    assert ids(told) == ids(kept[2])[::-1][:5]
    assert said(ask(exchange, TICKS, market=CODE, count=5, days_ago=2, cursor=earlier)) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"count": 0},
        {"count": 501},
        {"count": -1},
        {"count": "1.5"},
        {"count": "٣"},
        {"days_ago": 0},
        {"days_ago": 8},
        {"to": "240000"},
        {"to": "12:00"},
        {"to": "12:0000:"},
        {"cursor": "x"},
        {"cursor": 1},
    ],
)
def test_parameters_that_make_no_sense(parameters: dict[str, Any]) -> None:
    assert error(ask(old_exchange(), TICKS, **{"market": CODE, **parameters})) == (400, 400)


def test_a_cursor_of_another_market_is_refused() -> None:
    exchange = old_exchange()
    other = trades_of(exchange, 0, "SGD-ETH")[-1].sequential_id
    assert error(ask(exchange, TICKS, market=CODE, cursor=other)) == (400, 400)


@pytest.mark.parametrize("path", [TICKS, SECONDS, MINUTES + "1"])
def test_the_market_is_needed_and_must_exist(path: str) -> None:
    assert error(ask(old_exchange(), path)) == (400, 400)
    assert error(ask(old_exchange(), path, market="")) == (400, 400)
    assert error(ask(old_exchange(), path, market="SGD-NONE")) == (404, 404)


def test_an_empty_to_is_none() -> None:
    assert len(said(ask(old_exchange(), TICKS, market=CODE, to="", count=2))) == 2


# Candles


@pytest.mark.parametrize("unit", ["1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m"])
def test_a_finished_candle_is_that_of_the_stream(connect: Connect, unit: str) -> None:
    start_ms = 1_790_000_000_000 // 14_400_000 * 14_400_000 - 200_000
    client = connect(start_ms=start_ms, codes=[CODE], trade_rate=0.7)
    client.ask({"type": f"candle.{unit}", "codes": [CODE], "is_only_realtime": True})
    last = {message["candle_date_time_utc"]: message for message in client.after(400_003).said()}
    path = SECONDS if unit == "1s" else MINUTES + unit.removesuffix("m")
    told = {
        candle["candle_date_time_utc"]: candle for candle in said(ask(client.exchange, path, market=CODE, count=200))
    }
    assert list(told) == sorted(told, reverse=True)
    finished = [at for at in last if at in told]
    assert len(finished) >= (140 if unit == "1s" else 2)
    for at in finished:
        candle, message = told[at], last[at]
        same = set(message) - {"type", "code", "stream_type"}
        assert {field: candle[field] for field in same} == {field: message[field] for field in same}
        extra = {"market"} if unit == "1s" else {"market", "unit"}
        assert set(candle) - same == extra
        assert candle["market"] == CODE
        assert candle.get("unit") == (None if unit == "1s" else int(unit.removesuffix("m")))


@settings(deadline=None)
@given(st.integers(0, 3 * 86_400), st.integers(1, 200), st.sampled_from(["Z", "", "+09:00", "space"]))
def test_candles_before_a_moment(back_s: int, count: int, zone: str) -> None:
    exchange = old_exchange()
    to_ms = NOON_MS - back_s * 1_000
    shift_ms = 9 * 3_600_000 if zone == "+09:00" else 0
    iso = f"{datetime.fromtimestamp((to_ms + shift_ms) / 1000, UTC):%Y-%m-%dT%H:%M:%S}"
    to = iso.replace("T", " ") if zone == "space" else iso + zone
    told = said(ask(exchange, MINUTES + "3", market=CODE, count=count, to=to))
    kept = [t for t in exchange.tape if t.code == CODE]
    # Exclusive is the candle's beginning: one that began before may reach beyond.
    starts = sorted({t.trade_timestamp // 180_000 * 180_000 for t in kept})
    starts = [at for at in starts if at < to_ms]
    assert [candle["candle_date_time_utc"] for candle in told] == [
        f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%dT%H:%M:%S}" for at in starts[::-1][:count]
    ]
    for candle in told[:3]:
        at_ms = int(datetime.fromisoformat(candle["candle_date_time_utc"] + "Z").timestamp()) * 1_000
        inside = [t for t in kept if at_ms <= t.trade_timestamp < at_ms + 180_000]
        assert candle["candle_acc_trade_volume"] == sum(t.volume for t in inside)
        prices = [t.price for t in inside]
        assert (candle["opening_price"], candle["trade_price"]) == (prices[0], prices[-1])
        assert (candle["high_price"], candle["low_price"]) == (max(prices), min(prices))
        assert candle["timestamp"] == inside[-1].trade_timestamp


def test_a_candle_that_begins_at_the_moment_is_not_before_it() -> None:
    newest, second = said(ask(old_exchange(), MINUTES + "3", market=CODE, count=2))
    asked = ask(old_exchange(), MINUTES + "3", market=CODE, to=newest["candle_date_time_utc"])
    assert said(asked) == [second]


def test_a_larger_count_of_candles_is_answered_with_200() -> None:
    assert len(said(ask(old_exchange(), SECONDS, market=CODE, count=201))) == 200
    assert error(ask(old_exchange(), SECONDS, market=CODE, count=0)) == (400, 400)


@pytest.mark.parametrize("unit", ["2", "1m", "", "01", "240/"])
def test_units_that_are_not_there(unit: str) -> None:
    assert error(ask(old_exchange(), MINUTES + unit, market=CODE)) == (400, 400)


@pytest.mark.parametrize("to", ["yesterday", "2026-13-01", "120000"])
def test_moments_that_are_none(to: str) -> None:
    assert error(ask(old_exchange(), SECONDS, market=CODE, to=to)) == (400, 400)


def test_candles_outlive_the_trades_they_are_made_of_but_not_their_limit() -> None:
    exchange = Exchange(start_ms=NOON_MS, trade_rate=0, history_ms=20 * DAY_MS, history_rate=0.01, codes=[CODE])
    oldest = said(ask(exchange, MINUTES + "240", market=CODE, count=200))[-1]
    assert oldest["timestamp"] == NOON_MS - 20 * DAY_MS - 3
    assert exchange.tape[0].trade_timestamp > NOON_MS - 8 * DAY_MS
    short = Exchange(start_ms=NOON_MS, trade_rate=0, history_ms=DAY_MS, history_rate=0.1, codes=[CODE], tape_limit=100)
    assert 100 <= len(short.markets[CODE].candles.page("1s", 10**6)) <= 110


def test_no_history_is_made_up() -> None:
    exchange = Exchange(start_ms=NOON_MS, trade_rate=0, codes=[CODE])
    (only,) = said(ask(exchange, TICKS, market=CODE, count=500))
    assert [len(said(ask(exchange, MINUTES + "1", market=CODE, count=200)))] == [1]
    assert only["timestamp"] == NOON_MS - 3


def test_history_is_that_of_a_seed_and_leaves_the_present_as_it_is() -> None:
    def lived(history_ms: int) -> list[Trade]:
        exchange = Exchange(start_ms=NOON_MS, trade_rate=5, history_ms=history_ms, history_rate=0.1)
        exchange.advance(NOON_MS + 60_000)
        return list(exchange.tape)

    assert lived(DAY_MS) == lived(DAY_MS)
    times = [t.trade_timestamp for t in lived(DAY_MS)]
    assert times == sorted(times)
    before = [at for at in times if at < NOON_MS - 3]
    assert max(before) > NOON_MS - 120_000
    rate = len(before) / 86_400
    assert 0.08 < rate < 0.12


# Markets


def test_markets_with_and_without_details() -> None:
    exchange = Exchange(start_ms=0, codes=["SGD-BTC", "KRW-XRP"])
    plain = said(ask(exchange, "/v1/market/all"))
    assert plain == [
        {"market": "SGD-BTC", "korean_name": "BTC", "english_name": "BTC"},
        {"market": "KRW-XRP", "korean_name": "XRP", "english_name": "XRP"},
    ]
    detailed = said(ask(exchange, "/v1/market/all", is_details="true"))
    assert detailed[0]["market_event"]["warning"] is False
    assert not any(detailed[0]["market_event"]["caution"].values())
    assert said(ask(exchange, "/v1/market/all", is_details="false")) == plain
    assert error(ask(exchange, "/v1/market/all", is_details="maybe")) == (400, 400)


def test_instruments() -> None:
    exchange = Exchange(start_ms=0, codes=["SGD-BTC", "KRW-BTC", "KRW-DOGE"])
    path = "/v1/orderbook/instruments"
    told = said(ask(exchange, path, markets="KRW-DOGE,SGD-BTC"))
    assert [one["market"] for one in told] == ["KRW-DOGE", "SGD-BTC"]
    assert told[1] == {"market": "SGD-BTC", "quote_currency": "SGD", "tick_size": "1", "supported_levels": ["0"]}
    assert told[0]["supported_levels"][0] == "0"
    assert [Decimal(level) for level in told[0]["supported_levels"]] == list(
        exchange.markets["KRW-DOGE"].instrument.supported_levels
    )
    assert Decimal(told[0]["tick_size"]) * 10 == Decimal(told[0]["supported_levels"][1])
    assert error(ask(exchange, path)) == (400, 400)
    assert error(ask(exchange, path, markets="SGD-BTC,SGD-NONE")) == (404, 404)


def test_replayed_markets_have_a_name_and_no_trades(capture: Any) -> None:
    from upbit_stream.simulator import Replay

    exchange = Exchange(start_ms=NOON_MS, replay=Replay.from_file(capture))
    code = "KRW-LAMB"
    assert code in {market["market"] for market in said(ask(exchange, "/v1/market/all"))}
    assert said(ask(exchange, TICKS, market=code)) == said(ask(exchange, SECONDS, market=code)) == []


def test_numbers_are_plain() -> None:
    body = ask(old_exchange(), TICKS, market=CODE, count=500).body
    assert b"E-" not in body
    assert b"e-" not in body
    assert json.loads(body)
