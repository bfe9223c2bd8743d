"""The exchange goes away and comes back, again and again, while one recorder keeps running."""

import json
import random
import signal
import sys

import pytest
from tests.cli.processes import (
    BOUND_S,
    Place,
    assert_candles_of_the_exchange,
    assert_each_trade_once,
    base_url_of,
    rows_of,
    tape_of,
)
from tests.extent import extent

from upbit_stream.record import read_gaps

RESTARTS = extent(10, 2)
SEED = 20261123
CODES = ("SGD-BTC", "SGD-ETH", "KRW-BTC")
STREAMS = [f"{type_}:{','.join(CODES)}" for type_ in ("trade", "candle.1s", "orderbook")]
OPTIONS = {"reconnect_delay_s": (0.1, 0.5), "stable_after_s": 0.5}


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.end()


def test_a_recording_outlives_ten_restarts_of_the_exchange(place):
    print(f"seed {SEED}")  # noqa: T201  # shown where the test fails
    chance = random.Random(SEED)
    exchange_options = ("--rate", "50", "--codes", ",".join(CODES))
    exchange, port = place.simulate(*exchange_options)
    base_url = base_url_of(port)
    program = (sys.executable, "-m", "tests.cli.recording_program", base_url, str(place.data), json.dumps(OPTIONS))
    recorder = place.start(*program, *STREAMS, log="record.log")

    def come_more(count):
        """So many more trades of each market."""
        wanted = {code: recorded(code) + count for code in CODES}
        place.until(lambda: all(recorded(code) >= wanted[code] for code in CODES), alive=recorder)

    def recorded(code):
        path = place.data / f"{code}_trade.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    for _ in range(RESTARTS):
        come_more(chance.randint(1, 25))
        exchange.send_signal(chance.choice((signal.SIGKILL, signal.SIGTERM)))
        exchange.wait(BOUND_S)
        exchange, again = place.simulate(*exchange_options, port=port)
        assert again == port
    come_more(20)
    place.until(place.gaps_are_settled, alive=recorder)
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(BOUND_S) == 0, place.logs()

    status, told = place.verify(base_url)
    assert status == 0, told
    assert_each_trade_once(place.data, tape_of(place.tape), CODES)
    assert_candles_of_the_exchange(place.data, base_url, CODES)
    gaps = read_gaps(place.data)
    for code in CODES:
        assert [row["code"] for row in rows_of(place.data, code, "trade") if row["stream_type"] == "RECOVERED"]
        for type_ in ("trade", "candle.1s", "orderbook"):
            of_it = [row for row in gaps if (row.type, row.code) == (type_, code)]
            assert len(of_it) >= RESTARTS // 2  # it may have gone again before anything came
