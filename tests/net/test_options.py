import math

import pytest

from upbit_stream.errors import UsageError
from upbit_stream.net.options import SessionOptions
from upbit_stream.session.silence import SILENCE_LIMITS_S


def test_the_defaults_are_the_documented_ones():
    options = SessionOptions()
    assert (options.ping_interval_s, options.pong_timeout_s, options.heartbeat) == (30, 10, "frame")
    assert options.silence_limits_s == SILENCE_LIMITS_S
    assert options.reconnect_delay_s == (0.5, 30)
    assert options.max_retries is None
    assert options.connections == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"ping_interval_s": 0},
        {"ping_interval_s": 120},
        {"pong_timeout_s": -1},
        {"heartbeat": "smoke"},
        {"max_retries": -1},
        {"silence_limits_s": {"candle.1m": 60}},
        {"silence_limits_s": {"myOrder": 60}},
        {"silence_limits_s": {"ticker": 0}},
        {"silence_limits_s": {"ticker": math.nan}},
        {"reconnect_delay_s": (0, 30)},
        {"reconnect_delay_s": (30, 1)},
        {"reconnect_delay_s": (math.nan, 1)},
        {"stable_after_s": -1},
        {"stable_after_s": math.nan},
        {"connect_timeout_s": 0},
        {"answer_timeout_s": -1},
        {"connections": 0},
        {"connections": 4},
        {"connections": 2.0},
        {"connections": "2"},
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_before_anything_is_sent_and_named(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SessionOptions(**wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"silence_limits_s": {}},
        {"silence_limits_s": {"ticker": 0.5, "candle": 1}},
        {"heartbeat": "text"},
        {"max_retries": 0},
        {"reconnect_delay_s": (5, 5)},
        {"stable_after_s": 0},
        {"connections": 1},
        {"connections": 3},
        {"ping_interval_s": 0.01, "pong_timeout_s": 0.01},
    ],
    ids=str,
)
def test_what_can_work_is_taken(right):
    assert all(getattr(SessionOptions(**right), name) == value for name, value in right.items())


def test_options_cannot_be_changed():
    with pytest.raises(AttributeError):
        SessionOptions().max_retries = 3  # type: ignore[misc]
