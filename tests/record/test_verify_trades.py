"""Comparing with the exchange, whose answers are made up here."""

import json

from hypothesis import given
from hypothesis import strategies as st
from tests.record.recordings import START_MS

from upbit_stream.record.verify_ids import HOUR_MS, TradeIds, content_of
from upbit_stream.record.verify_report import InventedTrade
from upbit_stream.record.verify_trades import Comparison
from upbit_stream.wire.rest import read_trades

HOUR = START_MS // HOUR_MS * HOUR_MS


def told(id_, at_ms, price="100.5"):
    """A trade as the exchange tells it."""
    fields = {
        "market": "SGD-BTC",
        "sequential_id": id_,
        "timestamp": at_ms,
        "trade_volume": 0.25,
        "ask_bid": "BID",
        "trade_date_utc": "2025-10-09",
        "trade_time_utc": "08:53:20",
    }
    body = json.dumps([fields]).replace("{", f'{{"trade_price":{price},')
    return read_trades(body.encode())[0]


def held(*trades, price=100.5):
    ids = TradeIds()
    for id_, at_ms in trades:
        ids.add(id_, at_ms, content_of(at_ms, price, 0.25, "BID"))
    return ids


def compared(file, exchange, kept_from_ms=None, limit=None):
    comparison = Comparison(held(*file), limit=limit)
    comparison.leave_before(kept_from_ms)
    for id_, at_ms in exchange:
        comparison.take([told(id_, at_ms)], at_ms)
    return comparison.finish()


def names(tally):
    return [trade.sequential_id for trade in tally.named]


def wrong(found):
    return tuple(names(tally) for tally in (found.missing, found.invented, found.altered))


TAPE = [(n, HOUR + n * 1000) for n in range(1, 9)]


def test_the_same_trades_are_right_in_any_order():
    found = compared(TAPE[::-1], TAPE)
    assert (found.checked, found.unchecked) == (8, 0)
    assert wrong(found) == ([], [], [])
    assert (found.from_ms, found.to_ms) == (TAPE[0][1], TAPE[-1][1])


def test_one_that_is_missing_and_one_that_is_invented():
    found = compared([*TAPE[:3], (77, HOUR + 3500), *TAPE[4:]], TAPE)
    assert names(found.missing) == [4]
    assert found.invented.named == [InventedTrade(77, HOUR)]
    assert found.missing.named[0].trade_price == "100.5"


def test_the_span_is_that_of_the_file():
    found = compared(TAPE[2:5], TAPE)
    assert wrong(found) == ([], [], [])


def test_trades_of_the_first_and_the_last_ms_go_by_their_place_on_the_tape():
    tape = [(n, HOUR) for n in range(1, 9)]
    assert names(compared([tape[1], tape[3], tape[5]], tape).missing) == [3, 5]


@given(st.sampled_from(["100.50", "1.005e2", "100.5", "100.500000"]))
def test_numbers_are_compared_not_their_text(price):
    comparison = Comparison(held(TAPE[0]), limit=None)
    comparison.take([told(*TAPE[0], price=price)], HOUR)
    assert not comparison.finish().altered


def test_an_altered_trade():
    comparison = Comparison(held(TAPE[0], price=100.6), limit=None)
    comparison.take([told(*TAPE[0])], HOUR)
    assert names(comparison.finish().altered) == [1]


def test_what_the_exchange_does_not_keep_any_more_is_not_checked():
    old = [(n + 100, HOUR - HOUR_MS + n) for n in range(5)]
    found = compared([*old, *TAPE[3:]], TAPE, kept_from_ms=HOUR)
    assert (found.checked, found.unchecked, found.kept_from_ms) == (5, 5, HOUR)
    assert names(found.missing) == [1, 2, 3]  # since the recording goes back beyond them
    assert not found.invented


def test_what_falls_out_of_reach_meanwhile_is_not_invented():
    later = [(n + 100, HOUR + HOUR_MS + n) for n in range(5)]
    comparison = Comparison(held(*TAPE, *later), limit=None)
    comparison.take([told(*each) for each in TAPE[:2]], TAPE[2][1])
    comparison.leave_before(HOUR + HOUR_MS)
    comparison.take([told(*each) for each in later], HOUR + 2 * HOUR_MS)
    found = comparison.finish()
    assert (found.checked, found.unchecked, bool(found.invented)) == (7, 6, False)


def test_what_was_not_reached_is_not_invented():
    comparison = Comparison(held(*TAPE, (99, HOUR + 5 * HOUR_MS)), limit=None)
    comparison.take([told(*each) for each in TAPE], HOUR + HOUR_MS)
    found = comparison.give_up("the exchange is away")
    assert (found.checked, found.unchecked, bool(found.invented)) == (8, 1, False)
    assert found.failed == "the exchange is away"


def test_trades_that_are_dated_before_those_they_follow():
    tape = [(1, HOUR), (2, HOUR + HOUR_MS), (3, HOUR + HOUR_MS - 500), (4, HOUR + HOUR_MS + 1)]
    comparison = Comparison(held(*tape), limit=None)
    comparison.take([told(*each) for each in tape], HOUR + 2 * HOUR_MS)
    found = comparison.finish()
    assert wrong(found) == ([], [], [])


def test_many_are_counted_and_few_are_named():
    tape = [(n, HOUR + n) for n in range(1, 1000)]
    found = compared([tape[0], tape[-1]], tape, limit=3)
    assert (found.missing.count, names(found.missing)) == (997, [2, 3, 4])


@given(st.data())
def test_whatever_is_changed_is_found(data):
    spacing = st.sampled_from([0, 0, 1, 1000, HOUR_MS // 3, 2 * HOUR_MS])
    at_ms, tape = HOUR, []
    for id_ in data.draw(st.permutations(range(1, data.draw(st.integers(3, 20)) + 1))):
        at_ms += data.draw(spacing)
        tape.append((id_, at_ms))
    inner = [id_ for id_, _ in tape[1:-1]]
    gone = data.draw(st.sets(st.sampled_from(inner)))
    new = data.draw(st.sets(st.integers(100, 110)))
    file = [trade for trade in tape if trade[0] not in gone]
    file += [(id_, data.draw(st.sampled_from(tape))[1]) for id_ in new]
    found = compared(data.draw(st.permutations(file)), tape)
    assert set(names(found.missing)) == gone
    assert set(names(found.invented)) == new
    assert not found.altered
