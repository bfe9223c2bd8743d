"""Schedules of faults: what they hold, and that a seed decides all that comes of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.simulator import (
    Exchange,
    Fault,
    Refusal,
    RestRequest,
    Session,
    Upgrade,
    random_schedule,
)
from upbit_stream.simulator.faults import (
    EVERY_FAULT,
    CutMessages,
    GarbleMessages,
    MessageFault,
    Period,
    RefuseRest,
)

Connect = Callable[..., Any]
START_MS = 1_790_000_000_000
TRADE = {"type": "trade", "codes": ["SGD-BTC"], "is_only_realtime": True}
BOOK = {"type": "orderbook", "codes": ["SGD-BTC"], "is_only_realtime": True}


def busy(*faults: Fault, **options: Any) -> Exchange:
    return Exchange(**{"start_ms": START_MS, "trade_rate": 40, "private_rate": 0, "faults": faults, **options})


def lived(schedule: list[Fault], seed: int) -> list[Any]:
    """All that two clients see who connect again whenever they can, and who else asks."""
    exchange = busy(*schedule, seed=seed, trade_rate=5, limits_enforced=False)
    sessions: list[Session | None] = [None, None]
    seen: list[Any] = []
    request = json.dumps([{"ticket": "t"}, TRADE, BOOK])
    for step in range(120):
        now_ms = START_MS + step * 500
        for n, session in enumerate(sessions):
            if session is None or not session.is_open or session.frozen:
                outcome = exchange.connect(Upgrade("/websocket/v1"), now_ms)
                seen.append(outcome.status if isinstance(outcome, Refusal) else "connected")
                sessions[n] = None if isinstance(outcome, Refusal) else outcome
                if isinstance(outcome, Session):
                    outcome.receive_text(request, now_ms)
            else:
                exchange.advance(now_ms)
                seen += session.take_output()
            seen.append(exchange.rest(RestRequest("GET", "/v1/market/all"), now_ms))
    return seen


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6))
def test_a_schedule_and_what_it_does_are_those_of_a_seed(seed: int) -> None:
    schedule = random_schedule(seed, START_MS, 60_000, mean_gap_ms=3_000)
    assert schedule == random_schedule(seed, START_MS, 60_000, mean_gap_ms=3_000)
    assert lived(schedule, seed) == lived(schedule, seed)


@given(st.integers(0, 10**9), st.integers(1, 600_000), st.integers(100, 60_000), st.integers(1, 60_000))
def test_a_schedule_is_in_order_and_over_when_it_says(seed: int, length: int, gap: int, longest: int) -> None:
    schedule = random_schedule(seed, START_MS, length, mean_gap_ms=gap, longest_ms=longest)
    moments = [fault.at_ms for fault in schedule]
    assert moments == sorted(moments)
    for fault in schedule:
        assert START_MS <= fault.at_ms < START_MS + length
        if isinstance(fault, Period):
            assert 1 <= fault.duration_ms <= longest
            assert fault.at_ms + fault.duration_ms <= START_MS + length
        if isinstance(fault, MessageFault):
            assert 0 < fault.odds <= 1


def test_a_schedule_holds_every_fault_or_only_those_wanted() -> None:
    everything = random_schedule(1, 0, 10_000_000, mean_gap_ms=10_000)
    assert {type(fault) for fault in everything} == set(EVERY_FAULT)
    assert 800 < len(everything) < 1_200
    assert everything != random_schedule(2, 0, 10_000_000, mean_gap_ms=10_000)
    some = random_schedule(1, 0, 10_000_000, faults=[CutMessages], kinds=["ticker"])
    assert {(type(fault), getattr(fault, "kind", "")) for fault in some} == {
        (CutMessages, None),
        (CutMessages, "ticker"),
    }


def test_what_a_fault_does_does_not_depend_on_the_others(connect: Connect) -> None:
    cut = CutMessages(at_ms=START_MS, duration_ms=9_000, odds=0.3)
    alone = connect(busy(cut)).ask(TRADE).after(3_000).payloads()
    among = busy(RefuseRest(at_ms=0, duration_ms=10 * START_MS), GarbleMessages(at_ms=0, duration_ms=1), cut)
    assert connect(among).ask(TRADE).after(3_000).payloads() == alone
    assert connect(busy(replace(cut, odds=0.31))).ask(TRADE).after(3_000).payloads() != alone


def test_what_happens_on_the_exchange_is_the_same_whatever_goes_wrong(connect: Connect) -> None:
    schedule = random_schedule(3, START_MS, 30_000, mean_gap_ms=500)
    sound, sick = busy(), busy(*schedule)
    connect(sick).ask(TRADE)
    for exchange in (sound, sick):
        exchange.advance(START_MS + 30_000)
    assert sound.tape == sick.tape
    assert len(sick.stats.faults) > 5
