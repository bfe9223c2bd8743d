"""An exchange that goes on after the trades of an earlier one."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.simulator import Exchange, RestRequest
from upbit_stream.simulator.candles import UNIT_MS

from .conftest import START_MS

CODES = ("SGD-BTC", "KRW-ETH", "SGD-XRP")
RUN_MS = 90_000


def run(former=(), *, start_ms=START_MS, length_ms=RUN_MS, codes=CODES, **options):
    kept = list(former)
    exchange = Exchange(
        codes=codes, start_ms=start_ms, **({"trade_rate": 20.0} | options), former=former, on_trade=kept.append
    )
    exchange.advance(start_ms + length_ms)
    return exchange, kept


def answer(exchange, path, query):
    return exchange.rest(RestRequest("GET", path, query, {}), exchange.agenda.now_ms).body


@pytest.fixture(scope="module")
def first():
    return run()


@pytest.fixture(scope="module")
def second(first):
    return run(tuple(first[1]), start_ms=START_MS + RUN_MS + 5_000)


def test_each_trade_is_handed_out_once_and_in_order(first, second):
    assert list(first[0].tape) == first[1]
    assert list(second[0].tape) == second[1]
    assert second[1][: len(first[1])] == first[1]
    assert len(second[1]) > len(first[1]) + 1_000
    assert all(one.trade_timestamp <= other.trade_timestamp for one, other in pairwise(second[1]))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(lengths=st.lists(st.integers(0, 3_000), min_size=2, max_size=8), pause_ms=st.integers(0, 1_500))
def test_ids_never_repeat_however_often_it_is_started_again(lengths, pause_ms):
    trades, now_ms = [], START_MS
    for length_ms in lengths:
        _, trades = run(tuple(trades), start_ms=now_ms, length_ms=length_ms, trade_rate=200.0)
        now_ms += length_ms + pause_ms
    assert len({trade.sequential_id for trade in trades}) == len(trades)


def test_nothing_happened_while_it_was_down(first, second):
    gap = [trade for trade in second[1] if START_MS + RUN_MS <= trade.trade_timestamp < START_MS + RUN_MS + 5_000]
    assert gap == []


def test_prices_go_on_from_the_last(first, second):
    for code in CODES:
        market = first[0].markets[code]
        last = market.last
        following = next(trade for trade in second[1][len(first[1]) :] if trade.code == code)
        tick = market.instrument.tick_e8
        assert abs(following.price_e8 - last.price_e8) <= 10 * tick
        assert following.previous_close_e8 == last.previous_close_e8


def test_another_run_is_not_the_same_run_again(first, second):
    count = 50
    firsts, seconds = first[1][3 : 3 + count], second[1][len(first[1]) :][:count]
    assert [trade.volume_e8 for trade in firsts] != [trade.volume_e8 for trade in seconds]
    uuids = [
        {order for account in exchange.accounts.values() for order in account.closed}
        for exchange in (first[0], second[0])
    ]
    assert all(uuids)
    assert not uuids[0] & uuids[1]


def test_rest_and_snapshots_tell_of_what_was_before(first):
    exchange, trades = first
    again = Exchange(codes=CODES, start_ms=exchange.agenda.now_ms, trade_rate=20.0, former=trades)
    for code in CODES:
        for days_ago in ("", "&days_ago=1"):
            query = f"market={code}&count=500{days_ago}"
            assert answer(again, "/v1/trades/ticks", query) == answer(exchange, "/v1/trades/ticks", query)
        for unit in (1, 3, 5, 10, 15, 30, 60, 240):
            path, query = f"/v1/candles/minutes/{unit}", f"market={code}&count=200"
            assert answer(again, path, query) == answer(exchange, path, query)
        query = f"market={code}&count=200"
        assert answer(again, "/v1/candles/seconds", query) == answer(exchange, "/v1/candles/seconds", query)
        assert vars(again.markets[code].daily) == vars(exchange.markets[code].daily)
        assert again.markets[code].last == exchange.markets[code].last
        assert again.markets[code].book.best == exchange.markets[code].last.best


def test_a_candle_that_was_begun_is_folded_on(first):
    exchange, trades = first
    now_ms = exchange.agenda.now_ms
    again, kept = run(tuple(trades), start_ms=now_ms, length_ms=5_000)
    assert now_ms // UNIT_MS["1m"] == (now_ms + 5_000) // UNIT_MS["1m"]
    newest = again.markets["SGD-BTC"].candles.newest["1m"]
    of_it = [trade for trade in kept if trade.code == "SGD-BTC" and trade.trade_timestamp >= newest.start_ms]
    assert newest.volume == sum(trade.volume_e8 for trade in of_it)
    assert len({trade.timestamp for trade in of_it} - {trade.timestamp for trade in trades}) > 10


def test_the_same_trades_and_seed_give_the_same_run(first, second):
    assert run(tuple(first[1]), start_ms=START_MS + RUN_MS + 5_000)[1] == second[1]


def test_a_clock_that_was_set_back_does_not_reorder_trades(first):
    exchange, kept = run(tuple(first[1]), start_ms=START_MS - 3_600_000)
    assert exchange.agenda.now_ms == first[1][-1].timestamp
    exchange.advance(exchange.agenda.now_ms + 1_000)
    assert len(kept) > len(first[1])
    assert all(one.trade_timestamp <= other.trade_timestamp for one, other in pairwise(kept))


def test_markets_may_come_and_go(first):
    start_ms = START_MS + RUN_MS + 5_000
    exchange, kept = run(tuple(first[1]), start_ms=start_ms, codes=("SGD-ADA", "SGD-BTC"), history_ms=3_600_000)
    assert exchange.codes == ("SGD-ADA", "SGD-BTC")
    assert {trade.code for trade in exchange.tape} == {"SGD-ADA", "SGD-BTC"}
    assert {trade.code for trade in kept} == {*CODES, "SGD-ADA"}
    assert all(trade.trade_timestamp >= start_ms - 3 for trade in kept if trade.code == "SGD-ADA")
    assert len({trade.sequential_id for trade in kept}) == len(kept)


def test_nobody_is_told_of_a_trade_that_could_not_be_kept(connect):
    kept = []

    def keep(trade):
        if len(kept) >= 10:
            raise OSError("no space")
        kept.append(trade)

    client = connect(codes=("SGD-BTC",), trade_rate=20.0, on_trade=keep).ask({"type": "trade", "codes": ["SGD-BTC"]})
    with pytest.raises(OSError, match="no space"):
        client.after(60_000)
    assert [told["sequential_id"] for told in client.said()] == [trade.sequential_id for trade in kept]


def test_history_is_kept_like_everything_else():
    _, kept = run(history_ms=600_000, history_rate=1.0, length_ms=0)
    assert 400 < len(kept) < 800
