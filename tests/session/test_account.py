from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.model.messages import Asset, MyAsset, MyOrder
from upbit_stream.session.account import OVERLAP_MS, Balances, Orders
from upbit_stream.wire.rest import BalanceRow, OrderRow, read_orders

GAP_MS = 1_760_000_000_000
BEFORE_MS = GAP_MS - 3_600_000
FINAL = ("done", "cancel")


@dataclass(frozen=True)
class Row:
    uuid: str
    state: str
    executed_volume: Decimal
    created_ms: int


def row(uuid, state="wait", executed="0", created_ms=GAP_MS + 1_000):
    return Row(uuid, state, Decimal(executed), created_ms)


def old(uuid, state="wait", executed="0"):
    return row(uuid, state, executed, BEFORE_MS)


def live(uuid, state="wait", executed: str | None = "0", stream_type="REALTIME"):
    return MyOrder(
        code="SGD-BTC",
        uuid=uuid,
        ask_bid="BID",
        order_type="limit",
        state=state,
        timestamp=GAP_MS,
        stream_type=stream_type,
        executed_volume=None if executed is None else Decimal(executed),
    )


def orders(*messages, baseline=(), **options):
    known = Orders(**options)
    if baseline is not None:
        known.baseline(baseline, BEFORE_MS)
    for message in messages:
        known.seen(message)
    return known


def changed(known, *rows, since_ms=GAP_MS):
    """The rows as the exchange would answer: open and closed ones apart."""
    closed = [one for one in rows if one.state in FINAL]
    return known.changed([one for one in rows if one not in closed], closed, since_ms)


# Orders


def test_the_baseline_is_known_and_not_told():
    known = orders(baseline=[old("a"), old("b", executed="1")])
    assert changed(known, old("a"), old("b", executed="1")) == []
    assert changed(known, old("a", executed="2"), old("b", "done", "3")) == [
        old("b", "done", "3"),
        old("a", executed="2"),
    ]


@pytest.mark.parametrize("end", FINAL)
def test_an_order_placed_and_closed_in_the_gap_is_told_once_as_closed(end):
    known = orders()
    assert changed(known, row("a", end, "1")) == [row("a", end, "1")]
    assert changed(known, row("a", end, "1")) == []


def test_an_order_placed_in_the_gap_is_told_once_for_each_step():
    known = orders()
    steps = [row("a"), row("a", executed="1"), row("a", executed="2"), row("a", "cancel", "2")]
    for number, step in enumerate(steps):
        assert changed(known, step) == [step]
        for earlier in steps[: number + 1]:
            assert changed(known, earlier) == []


def test_a_trade_that_the_stream_told_is_not_told_again_as_waiting():
    known = orders(live("a"), live("a", "trade", "1.50"))
    assert changed(known, row("a", executed="1.5")) == []
    assert changed(known, row("a", executed="1.50000001")) == [row("a", executed="1.50000001")]


@pytest.mark.parametrize("answer", [row("a"), row("a", executed="1"), row("a", executed="2")])
def test_an_answer_older_than_the_stream_is_passed_over(answer):
    known = orders(live("a", "trade", "2"))
    assert changed(known, answer) == []
    assert changed(known, row("a", executed="3")) == [row("a", executed="3")]


@pytest.mark.parametrize("end", ["done", "cancel"])
def test_an_order_known_to_be_closed_is_never_told_again(end):
    known = orders(live("a", end, "2"))
    for answer in (row("a"), row("a", executed="9"), row("a", "done", "9"), row("a", "cancel", "2")):
        assert changed(known, answer) == []
    known.seen(live("a", "trade", "2"))
    assert known.missing([], []) == []


def test_a_closing_message_without_a_volume_closes():
    assert orders(live("a", "trade", "2"), live("a", "cancel", None)).missing([], []) == []


def test_a_reserved_order_that_was_triggered_in_the_gap_is_told():
    known = orders(live("a", "watch"))
    assert changed(known, old("a", "watch")) == []
    assert changed(known, old("a", "wait")) == [old("a", "wait")]
    assert changed(known, old("a", "watch")) == []


def test_a_state_of_a_later_version_is_no_end():
    known = orders(live("a", "halted", "1"))
    assert changed(known, row("a", executed="2")) == [row("a", executed="2")]


def test_what_is_in_both_answers_is_told_as_it_is_in_the_newer_one():
    known = orders()
    assert known.changed([row("a", executed="1")], [row("a", "done", "2")], GAP_MS) == [row("a", "done", "2")]
    assert known.changed([row("a", executed="1")], [], GAP_MS) == []


def test_rows_come_in_the_order_in_which_they_were_placed():
    known = orders()
    second = GAP_MS + 2_000
    rows = [row("d", created_ms=second), row("c", created_ms=second), row("a")]
    closed = [row("e", "done", "1", second + 1_000), row("b", "done", "1", GAP_MS + 1_500)]
    assert [one.uuid for one in known.changed(rows, closed, GAP_MS)] == ["a", "b", "c", "d", "e"]


def test_an_order_placed_in_the_second_of_the_interruption_is_not_lost():
    # Placed at .900, interrupted at .500, and REST tells whole seconds.
    for state in ("wait", "done"):
        for baseline in (None, ()):
            found = row("a", state, created_ms=GAP_MS)
            assert changed(orders(baseline=baseline), found, since_ms=GAP_MS + 500) == [found]


def test_an_unknown_order_that_was_closed_long_before_the_gap_is_not_told():
    edge = GAP_MS - OVERLAP_MS
    known = orders()
    assert changed(known, row("a", "done", "1", edge - 1), row("b", "cancel", "0", edge)) == [
        row("b", "cancel", "0", edge)
    ]
    # Nor is it taken for told: asked about a longer gap, it is of it.
    assert changed(known, row("a", "done", "1", edge - 1), since_ms=BEFORE_MS) == [row("a", "done", "1", edge - 1)]


def test_an_order_of_an_earlier_gap_that_was_not_recovered_is_told_while_it_is_open():
    known = orders()
    found = row("a", created_ms=BEFORE_MS + 60_000)
    assert changed(known, found) == [found]
    assert changed(known, found) == []


def test_without_a_baseline_older_open_orders_become_it_in_silence():
    known = orders(baseline=None)
    assert changed(known, old("a"), row("b")) == [row("b")]
    assert changed(known, old("a", executed="1"), row("b")) == [old("a", executed="1")]
    assert changed(known, old("c", "done", "1"), old("a", "done", "2")) == [old("a", "done", "2")]


def test_a_baseline_that_comes_after_messages_does_not_set_them_back():
    known = orders(live("a", "trade", "2"), live("b", "done", "1"), baseline=None)
    known.baseline([old("a"), old("b"), old("c", executed="1")], BEFORE_MS)
    assert changed(known, old("a", executed="1"), old("b"), old("c")) == []
    assert known.missing([], []) == ["a", "c"]


def test_open_orders_in_neither_answer_are_to_be_asked_for():
    known = orders(live("a"), live("b"), live("c", "done", "1"), live("d"), live("e"))
    assert known.missing([row("a")], [row("d", "done", "1")]) == ["b", "e"]
    assert changed(known, old("b", "cancel", "0")) == [old("b", "cancel", "0")]
    assert known.missing([row("a"), row("d")], []) == ["e"]
    known.forget(["e", "never heard of"])
    assert known.missing([], []) == ["a", "d"]


def test_of_closed_orders_the_newest_are_remembered():
    known = orders(*(live(str(number), "done", "1") for number in range(5)), most_closed=3)
    told = [row(str(number), "done", "1") for number in range(5)]
    assert [one.uuid for one in changed(known, *told[2:])] == []
    assert changed(known, *(old(str(number), "done", "1") for number in range(5))) == []
    assert changed(known, told[0]) == [told[0]]


def test_of_open_orders_so_many_are_remembered_and_no_forgotten_one_is_told_again():
    known = orders(*(live(str(number)) for number in range(5)), most_open=3)
    assert known.missing([], []) == ["2", "3", "4"]
    later = BEFORE_MS + 60_000
    assert changed(known, *(row(str(number), created_ms=later) for number in range(5))) == []


def test_a_volume_that_is_no_number_does_not_stop_the_stream():
    known = orders(live("a", "trade", "1"), live("a", "trade", "NaN"), live("a", "trade", None))
    assert changed(known, row("a", executed="1")) == []
    assert changed(known, row("a", executed="2")) == [row("a", executed="2")]


def test_rows_as_rest_reads_them_are_in_korean_time():
    body = b"""[{"uuid": "a", "side": "bid", "ord_type": "limit", "price": "1", "state": "done", "market": "SGD-BTC",
        "created_at": "2026-09-21T23:13:20+09:00", "volume": "1", "remaining_volume": "0", "reserved_fee": "0",
        "remaining_fee": "0", "paid_fee": "0", "locked": "0", "executed_volume": "1.0", "trades_count": 1}]"""
    placed_ms = 1_790_000_000_000
    rows: list[OrderRow] = read_orders(body)
    assert orders().changed([], rows, placed_ms + OVERLAP_MS + 1) == []
    assert orders().changed([], rows, placed_ms + OVERLAP_MS) == rows


def final_last(steps):
    ends = [number for number, (_, state) in enumerate(steps) if state in FINAL]
    return steps[: ends[0] + 1] if ends else steps


lives = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["wait", *FINAL])), min_size=1, max_size=6).map(
    lambda steps: final_last(sorted(steps, key=lambda step: (step[0], step[1] in FINAL)))
)


@given(lives, st.data())
def test_whoever_tells_first_each_step_of_an_order_is_told_forward_and_once(steps, data):
    """Stream and answers tell of one order, each in its own pace, and answers may be old."""
    known, told, at = orders(), [], -1
    for _ in range(12):
        reached = data.draw(st.integers(0, len(steps) - 1))
        executed, state = steps[reached]
        if data.draw(st.booleans()):
            at = max(at, reached)
            executed, state = steps[at]
            known.seen(live("a", "trade" if state == "wait" and executed else state, str(executed)))
            told.append((Decimal(executed), state in FINAL))
        else:
            for found in changed(known, row("a", state, str(executed))):
                at = max(at, reached)
                step = (found.executed_volume, found.state in FINAL)
                assert not told or step > max(told)
                told.append(step)
    executed, state = steps[-1]
    changed(known, row("a", state, str(executed)))
    assert changed(known, row("a", state, str(executed))) == []


# Balances


def balance(currency, free="1", locked="0"):
    return BalanceRow(currency=currency, balance=Decimal(free), locked=Decimal(locked))


def told(at_ns, *rows, stream_type="REALTIME"):
    return MyAsset(
        asset_uuid="u",
        assets=tuple(Asset(currency=one.currency, balance=one.balance, locked=one.locked) for one in rows),
        asset_timestamp=GAP_MS,
        timestamp=GAP_MS,
        stream_type=stream_type,
        received_at_ns=at_ns,
    )


def balances(*messages, baseline=()):
    known = Balances()
    known.baseline(baseline)
    for message in messages:
        known.seen(message)
    return known


def test_balances_that_changed_are_told_once():
    known = balances(told(5, balance("BTC", "0.30")), baseline=[balance("SGD", "10")])
    answer = [balance("SGD", "10.0"), balance("BTC", "0.3"), balance("ETH")]
    assert known.changed(answer, 10) == [balance("ETH")]
    answer[:2] = [balance("SGD", "8", "2"), balance("BTC", "0.3", "0.00000000000000000001")]
    assert known.changed(answer, 20) == answer[:2]
    assert known.changed(answer, 20) == known.changed(answer, 30) == []
    assert known.changed([balance("SGD", "10"), *answer[1:]], 40) == [balance("SGD", "10")], "back again is a change"


def test_what_the_stream_tells_after_the_request_is_newer_than_the_answer():
    known = balances(baseline=[balance("SGD", "10"), balance("BTC")])
    known.seen(told(21, balance("SGD", "7")))
    assert known.changed([balance("SGD", "8"), balance("BTC", "2")], 20) == [balance("BTC", "2")]
    assert known.changed([balance("SGD", "8"), balance("BTC", "2")], 21) == [balance("SGD", "8")]


def test_of_two_answers_the_one_asked_for_later_stands():
    known = balances(baseline=[balance("SGD", "10")])
    assert known.changed([balance("SGD", "8")], 20) == [balance("SGD", "8")]
    assert known.changed([balance("SGD", "9")], 19) == []


def test_a_currency_that_is_not_listed_any_more_holds_nothing():
    known = balances(told(5, balance("ETH", "2")), told(30, balance("XRP")), baseline=[balance("SGD"), balance("BTC")])
    assert known.changed([balance("SGD")], 20) == [balance("BTC", "0"), balance("ETH", "0")]
    assert known.changed([balance("SGD"), balance("BTC", "0"), balance("XRP")], 40) == []
    assert known.changed([balance("SGD"), balance("BTC"), balance("XRP")], 50) == [balance("BTC")]


def test_what_the_stream_told_before_the_baseline_stands():
    known = Balances()
    known.seen(told(5, balance("SGD", "7")))
    known.baseline([balance("SGD", "8"), balance("BTC")])
    assert known.changed([balance("SGD", "7"), balance("BTC")], 10) == []


def test_a_recovered_message_that_was_overtaken_does_not_set_back():
    known = balances(baseline=[balance("SGD", "10")])
    (found,) = known.changed([balance("SGD", "8")], 20)
    known.seen(told(21, balance("SGD", "7")))
    known.seen(told(22, found, stream_type="RECOVERED"))
    assert known.changed([balance("SGD", "7")], 30) == []


def test_a_balance_that_is_no_number_does_not_stop_the_stream():
    known = balances(told(5, balance("SGD", "1")))
    strange = MyAsset(
        asset_uuid="u",
        assets=(Asset(currency="SGD", balance=Decimal("sNaN"), locked=Decimal("Infinity")),),
        asset_timestamp=1,
        timestamp=1,
        stream_type="REALTIME",
        received_at_ns=6,
    )
    known.seen(strange)
    assert known.changed([balance("SGD", "1")], 10) == [balance("SGD", "1")]
