"""``upbit-stream record`` killed again and again: the recording has each trade once, and tells of every gap."""

import random
import signal
import time

import pytest
from tests.cli.processes import (
    BOUND_S,
    COMMAND,
    Place,
    assert_candles_of_the_exchange,
    assert_each_trade_once,
    base_url_of,
    tape_of,
)
from tests.extent import extent

from upbit_stream.record import read_gaps

KILLS = extent(20, 3)
SEED = 20261122
CODES = ("SGD-BTC", "SGD-ETH", "KRW-BTC")
STREAMS = [f"{type_}:{','.join(CODES)}" for type_ in ("trade", "candle.1s", "orderbook")]


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.end()


def record(place, base_url):
    command = [*COMMAND, "record", *STREAMS, "--base-url", base_url, "--out", str(place.data), "-v"]
    return place.start(*command, log="record.log")


def test_twenty_kills_lose_nothing_and_repeat_nothing(place):
    print(f"seed {SEED}")  # noqa: T201  # shown where the test fails
    chance = random.Random(SEED)
    _, port = place.simulate("--rate", "50", "--codes", ",".join(CODES))
    base_url = base_url_of(port)
    for kill in range(KILLS):
        before = place.recorded_bytes("trade")
        recorder = record(place, base_url)
        if kill % 2:  # wherever it is: starting, connecting, filling
            delay_s = chance.uniform(0.3, 2.0)
        else:
            place.until(lambda size=before: place.recorded_bytes("trade") > size, alive=recorder)
            delay_s = chance.uniform(0.0, 0.9)
        time.sleep(delay_s)  # the moment of the kill is the chance of this test
        recorder.send_signal(signal.SIGKILL)
        recorder.wait(BOUND_S)

    before = place.recorded_bytes("trade")
    last = record(place, base_url)
    place.until(lambda: place.recorded_bytes("trade") > before and place.gaps_are_settled(), alive=last)
    last.send_signal(signal.SIGINT)
    assert last.wait(BOUND_S) == 0, place.logs()

    status, told = place.verify(base_url)
    assert status == 0, told
    assert_each_trade_once(place.data, tape_of(place.tape), CODES)
    assert_candles_of_the_exchange(place.data, base_url, CODES)
    states = {"trade": {"recovered"}, "candle.1s": {"recovered"}, "orderbook": {"lost"}}
    gaps = read_gaps(place.data)
    for type_, expected in states.items():
        for code in CODES:
            of_it = [row for row in gaps if (row.type, row.code) == (type_, code)]
            assert len(of_it) >= KILLS // 2 - 1  # every second run recorded, and so did the last
            assert {row.state for row in of_it} == expected
    assert all(row.why for row in gaps if row.state == "lost")
