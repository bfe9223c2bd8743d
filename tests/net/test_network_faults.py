"""The kernel's own faults between a recorder and the stand-in exchange: afterwards each trade is there once.

Where namespaces of the network can be made (root, iproute2); skipped elsewhere.
"""

import json
import signal
import sys

import pytest
from tests.cli.processes import BOUND_S, Place, assert_each_trade_once, tape_of
from tests.net.links import EXCHANGE_ADDRESS, network

from upbit_stream.record import read_gaps

__all__ = ["network"]  # the fixture

CODES = ("SGD-BTC", "SGD-ETH")
STREAMS = [f"trade:{','.join(CODES)}", f"orderbook:{','.join(CODES)}"]
OPTIONS = {
    "insecure": True,  # the other namespace is not this machine
    "reconnect_delay_s": (0.1, 0.5),
    "stable_after_s": 0.5,
    "ping_interval_s": 1.0,
    "pong_timeout_s": 1.5,
}


class Recording:
    """A recorder on one side, the exchange on the other."""

    def __init__(self, directory, network):
        self.place = Place(directory)
        self.network = network
        exchange_options = ("--rate", "30", "--codes", ",".join(CODES), "--host", EXCHANGE_ADDRESS)
        _, port = self.place.simulate(*exchange_options, within=network.exchange)
        self.process = self.place.start(
            *network.client,
            *(sys.executable, "-m", "tests.cli.recording_program", f"http://{EXCHANGE_ADDRESS}:{port}"),
            *(str(self.place.data), json.dumps(OPTIONS), *STREAMS),
            log="record.log",
        )

    def until(self, condition):
        self.place.until(condition, alive=self.process)

    def rows(self):
        paths = [self.place.data / f"{code}_trade.jsonl" for code in CODES]
        return [path.read_bytes().count(b"\n") if path.exists() else 0 for path in paths]

    def until_more_trades(self, count):
        before = self.rows()
        self.until(lambda: all(now >= then + count for now, then in zip(self.rows(), before, strict=True)))

    def lost_connections(self):
        return (self.place.directory / "record.log").read_text().count(" Disconnected")

    def assert_everything_once(self):
        self.until(self.place.gaps_are_settled)
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(BOUND_S) == 0, self.place.logs()
        assert_each_trade_once(self.place.data, tape_of(self.place.tape), CODES)
        assert {row.state for row in read_gaps(self.place.data) if row.type == "trade"} <= {"recovered"}


@pytest.fixture
def recording(tmp_path, network):
    recording = Recording(tmp_path, network)
    recording.until_more_trades(20)
    yield recording
    recording.place.end()


@pytest.mark.parametrize("way", ["the interface is down", "no packet arrives"])
def test_a_link_that_was_cut_without_a_word(recording, way):
    network, before = recording.network, recording.lost_connections()
    if way == "the interface is down":
        network.cut()
    else:
        network.spoil(loss=1.0)
    recording.until(lambda: recording.lost_connections() > before)  # a ping went unanswered
    if way == "the interface is down":
        network.mend()
    else:
        network.spoil()
    recording.until_more_trades(40)
    recording.until(lambda: {row.type for row in read_gaps(recording.place.data)} >= {"trade", "orderbook"})
    recording.assert_everything_once()
    recovered = [row.recovered for row in read_gaps(recording.place.data) if row.type == "trade"]
    assert sum(recovered) > 20


def test_a_link_with_delays_reordering_and_losses(recording):
    """And cut for a moment, so that what was missed is fetched over it, too."""
    network, before = recording.network, recording.lost_connections()
    network.spoil(delay_ms=200, jitter_ms=50, loss=0.05, seed=20261122)
    recording.until_more_trades(40)
    network.cut()
    recording.until(lambda: recording.lost_connections() > before)
    network.mend()
    recording.until_more_trades(40)
    recording.assert_everything_once()
