from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.session.candle_states import CandleStates

KIND, CODE, START = "candle.1m", "SGD-BTC", "2026-01-01T00:00:00"


def start(number):
    return (datetime(2026, 1, 1) + timedelta(minutes=number)).isoformat()  # noqa: DTZ001  # as the exchange writes it


def states(*told):
    known = CandleStates()
    for state in told:
        known.take(KIND, CODE, START, state)
    return known


def test_news_is_told_from_what_is_known_and_what_is_older():
    known = states((5, 1.0))
    assert known.take(KIND, CODE, START, (5, 1.0)) == 0
    assert known.take(KIND, CODE, START, (4, 2.0)) == -1
    assert known.take(KIND, CODE, START, (5, 0.5)) == -1
    assert known.take(KIND, CODE, START, (5, 1.5)) == 1  # another trade of the same moment
    assert known.take(KIND, CODE, START, (6, 1.5)) == 1


def test_an_older_word_leaves_the_newest_standing():
    known = states((5, 1.0), (4, 0.5))
    assert known.take(KIND, CODE, START, (5, 1.0)) == 0


def test_each_unit_code_and_period_has_its_own_state():
    known = states((5, 1.0))
    assert known.take("candle.3m", CODE, START, (1, 1.0)) == 1
    assert known.take(KIND, "SGD-ETH", START, (1, 1.0)) == 1
    assert known.take(KIND, CODE, start(1), (1, 1.0)) == 1


def test_to_ask_notes_nothing():
    known = CandleStates()
    assert known.is_news(KIND, CODE, START, (5, 1.0))
    assert known.is_news(KIND, CODE, START, (5, 1.0))
    assert known.newest(KIND, CODE) is None
    known.take(KIND, CODE, START, (5, 1.0))
    assert not known.is_news(KIND, CODE, START, (5, 1.0))
    assert not known.is_news(KIND, CODE, START, (4, 9.0))
    assert known.is_news(KIND, CODE, START, (5, 1.1))


def test_the_newest_candle_is_the_latest_not_the_last_told():
    known = CandleStates()
    for number in (3, 7, 5):
        known.take(KIND, CODE, start(number), (1, 1.0))
    assert known.newest(KIND, CODE) == start(7)
    assert known.newest("candle.3m", CODE) is None


def test_what_an_earlier_run_knew_is_known():
    known = CandleStates()
    known.load(KIND, CODE, {START: (5, 1.0)})
    assert known.take(KIND, CODE, START, (5, 1.0)) == 0
    assert known.newest(KIND, CODE) == START


def test_the_newest_candles_are_kept_whatever_came_last():
    known = CandleStates()
    for number in [*range(100, 500), 0]:
        known.take(KIND, CODE, start(number), (1, 1.0))
    held = known._states[KIND, CODE]
    assert sorted(held) == [start(number) for number in range(300, 500)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 5)), max_size=60))
def test_news_only_ever_goes_forward(told):
    known, newest = CandleStates(), {}
    for number, timestamp, volume in told:
        state = (timestamp, float(volume))
        before = newest.get(number)
        assert known.is_news(KIND, CODE, start(number), state) == (before is None or state > before)
        taken = known.take(KIND, CODE, start(number), state)
        assert taken == (1 if before is None or state > before else 0 if state == before else -1)
        newest[number] = state if before is None else max(before, state)
    assert known.newest(KIND, CODE) == (start(max(newest)) if newest else None)


@given(st.lists(st.integers(0, 3_000), max_size=800))
def test_however_many_candles_come_few_are_held(numbers):
    known = CandleStates()
    for number in numbers:
        known.take(KIND, CODE, start(number), (1, 1.0))
        assert len(known._states[KIND, CODE]) <= 400
