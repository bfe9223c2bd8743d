"""What an earlier run was told is known to this one."""

import pytest
from tests.flow.gaps import SECOND, START_NS, Bench, in_time
from tests.session.test_account import live

from upbit_stream.model.marks import Mark, Unfilled

THEN = START_NS - 900 * SECOND


def mark(code="SGD-BTC", type_="myOrder", **fields):
    return Mark(type=type_, code=code, received_at_ns=THEN, **fields)


def test_who_watches_a_type_is_told_what_the_earlier_run_was_told():
    bench, seen = Bench(), []
    bench.continuity.watch("myOrder", seen.append)
    orders = (live("a"), live("b", "done", "1"))
    bench.continuity.resume(mark(messages=orders))
    assert seen == list(orders)


def test_where_nobody_watches_nothing_is_told():
    bench = Bench(recovers=False)
    bench.continuity.resume(mark(messages=(live("a"),)))
    assert bench.told == []


def test_the_trades_of_a_resumed_code_begin_where_they_began():
    bench = Bench()
    bench.continuity.resume(mark(type_="trade", first_trade=(17, 1_700_000_000_000)))
    bench.continuity.resume(mark("SGD-ETH", type_="trade"))
    floor = bench.continuity.floors.of("SGD-BTC")
    assert floor is not None
    assert (floor.trade_id, floor.executed_ms, floor.subscribed_ns) == (17, 1_700_000_000_000, THEN)
    assert bench.continuity.floors.of("SGD-ETH") is None


LEFT = {
    code: (Unfilled(from_ns=THEN - n * SECOND, to_ns=THEN, reason="reset"),)
    for n, code in enumerate(("SGD-BTC", "SGD-ETH", ""), 1)
}


@pytest.mark.parametrize(
    ("subscribed", "told"),
    [
        ("myOrder", [("SGD-BTC", -901), ("SGD-ETH", -902), ("", -903), ("", -900)]),
        ("myOrder:SGD-ETH", [("SGD-ETH", -902), ("SGD-ETH", -900)]),
    ],
)
def test_gaps_that_were_left_are_told_where_their_market_or_all_are_subscribed(subscribed, told):
    async def body():
        bench = Bench()
        for code, unfilled in LEFT.items():
            bench.continuity.resume(mark(code, unfilled=unfilled))
        bench.up(subscribed)
        assert [(code, from_s) for _, code, from_s, _, _ in bench.gaps()] == told
        assert [gap.code for gap in bench.books.recovered] == [code for code, _ in told]

    in_time(body)
