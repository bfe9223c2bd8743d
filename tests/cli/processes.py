"""Real processes of the commands: the stand-in exchange, recorders, checks of a recording."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from upbit_stream.net.places import STATE_DIR_VARIABLE
from upbit_stream.record import read_gaps

BOUND_S = 60  # no single wait takes so long; a test that would hang fails
COMMAND = [sys.executable, "-m", "upbit_stream"]
NO_KEYS = {name: value for name, value in os.environ.items() if not name.startswith("UPBIT_")}


class Place:
    """A directory for one test's processes; whatever still runs at the end is killed."""

    def __init__(self, directory):
        self.directory = directory
        self.data = directory / "data"
        self.tape = directory / "tape.jsonl"
        self._started = []

    def start(self, *command, log):
        """Start a command; what it says goes to a file, so that nobody has to read along."""
        with (self.directory / log).open("ab") as said:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**NO_KEYS, STATE_DIR_VARIABLE: str(self.directory / "state")},
                cwd=Path(__file__).parents[2],
            )
        self._started.append(process)
        return process

    def simulate(self, *arguments, port=0, within=()):
        """A stand-in that keeps its tape, and where it is; a free port unless one is named.

        ``within`` is a command that starts it elsewhere.
        """
        port_file = self.directory / "port"
        port_file.unlink(missing_ok=True)
        options = ("--port", str(port), "--port-file", str(port_file), "--tape", str(self.tape), *arguments)
        process = self.start(*within, *COMMAND, "simulate", *options, log="simulate.log")
        self.until(lambda: port_file.exists() and port_file.read_text().endswith("\n"), alive=process)
        return process, int(port_file.read_text())

    def verify(self, base_url):
        """Check the recording against the exchange: exit status, and what was found."""
        command = [*COMMAND, "verify", str(self.data), "--online", "--base-url", base_url, "--json"]
        result = subprocess.run(command, capture_output=True, text=True, env=NO_KEYS, timeout=BOUND_S, check=False)
        return result.returncode, result.stdout + result.stderr

    def until(self, condition, *, alive=None, bound_s=BOUND_S):
        """Wait for what other processes do to files: there is nothing else to wait on."""
        bound = time.monotonic() + bound_s
        while not condition():
            if time.monotonic() > bound or (alive is not None and alive.poll() is not None):
                pytest.fail(f"it did not come to that: {self.logs()}")
            time.sleep(0.01)

    def recorded_bytes(self, type_):
        return sum(path.stat().st_size for path in self.data.glob(f"*_{type_}.jsonl"))

    def gaps_are_settled(self):
        return all(row.state != "open" for row in read_gaps(self.data))

    def logs(self):
        logs = sorted(self.directory.glob("*.log"))
        return "\n".join(f"{path.name}:\n{path.read_text()[-6000:]}" for path in logs)

    def end(self):
        for process in self._started:
            process.kill()
            process.wait()


def rows_of(directory, code, type_):
    """The rows of one stream, in their order."""
    path = directory / f"{code}_{type_}.jsonl"
    content = path.read_bytes()
    assert content.endswith(b"}\n")
    return [json.loads(line) for line in content.splitlines()]


def tape_of(path):
    """What the stand-in executed, in its order; a line that is being written is left out."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


def assert_each_trade_once(directory, tape, codes):
    """From the first recorded trade to the last, the recording has what the tape has."""
    for code in codes:
        recorded = [row["sequential_id"] for row in rows_of(directory, code, "trade")]
        assert len(recorded) == len(set(recorded)), code
        executed = [trade["sequential_id"] for trade in tape if trade["code"] == code]
        places = sorted(executed.index(trade) for trade in recorded)
        assert places == list(range(places[0], places[-1] + 1)), code


def assert_candles_of_the_exchange(directory, base_url, codes):
    """What was recorded last of each second that is over is what the exchange has of it, and no second is missing."""
    for code in codes:
        rows = rows_of(directory, code, "candle.1s")
        newest = {row["candle_date_time_utc"]: row for row in sorted(rows, key=lambda row: row["timestamp"])}
        first, last = min(newest), max(newest)
        url = f"{base_url}/v1/candles/seconds?market={code}&count=200"
        with urllib.request.urlopen(url, timeout=BOUND_S) as answer:  # noqa: S310  # the stand-in's own address
            told = json.load(answer)
        assert told[-1]["candle_date_time_utc"] <= first, "the test took longer than one page tells of"
        names = ("opening_price", "high_price", "low_price", "trade_price", "candle_acc_trade_volume")
        expected = {
            candle["candle_date_time_utc"]: [candle[name] for name in names]
            for candle in told
            if first < candle["candle_date_time_utc"] < last
        }
        assert {when: [newest[when][name] for name in names] for when in newest if first < when < last} == expected, (
            code
        )


def base_url_of(port):
    return f"http://127.0.0.1:{port}"
