"""The command that runs the stand-in exchange, as a user meets it."""

import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from upbit_stream.cli.simulate import simulate
from upbit_stream.simulator.tape_file import TapeFile

CAPTURE = Path(__file__).parent.parent / "captures" / "upbit-kr-2021-04-17.tsv"
COMMAND = [sys.executable, "-c", "from upbit_stream.cli.simulate import simulate; simulate()"]
BOUND_S = 20


@contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=BOUND_S)


def ready_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], BOUND_S)
    assert readable, "the command did not say that it is ready"
    return process.stdout.readline()


def refused(*options: str) -> str:
    result = CliRunner().invoke(simulate, options)
    assert result.exit_code == 2, result.output
    return result.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_when_it_is_ready_and_stops_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    with running("--port", "0", "--port-file", os.fspath(port_file), "--codes", "KRW-BTC, KRW-XRP") as process:
        line = ready_line(process)
        port = port_file.read_text().strip()
        assert line == (
            f"stand-in exchange on http://127.0.0.1:{port} (ws://127.0.0.1:{port}/websocket/v1), "
            "codes KRW-BTC,KRW-XRP, Ctrl-C to stop\n"
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=BOUND_S)
        assert caught.value.code == 404
        caught.value.close()
        process.send_signal(number)
        out, err = process.communicate(timeout=BOUND_S)
        assert (process.returncode, out, err) == (0, "", "")


def test_it_serves_a_replay_for_a_while(tmp_path: Path) -> None:
    secret = "never-to-be-shown"
    options = "--port 0 --speed 2 --duration 0.05 --rate 0 --seed 5"
    result = subprocess.run(
        [*COMMAND, "--replay", os.fspath(CAPTURE), "--keys", f"mine:{secret}", *options.split()],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=True,
    )
    assert "codes SGD-BTC,SGD-ETH,BTC-ITAM,BTC-PAX,BTC-XTZ,KRW-LAMB,KRW-WAVES," in result.stdout
    assert result.stderr == ""
    assert secret not in result.stdout


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(simulate, ["--port", str(port)])
    assert result.exit_code == 1
    assert result.output == f"Error: port {port} on 127.0.0.1 is in use; choose another with --port\n"


def test_an_address_that_is_not_ours() -> None:
    result = CliRunner().invoke(simulate, ["--port", "0", "--host", "192.0.2.1"])
    assert result.exit_code == 1
    assert re.match(r"Error: cannot serve on 192\.0\.2\.1:0: ", result.output)


def test_options_that_make_no_sense(tmp_path: Path) -> None:
    assert "is no market code" in refused("--codes", "BITCOIN")
    assert "at least one market" in refused("--codes", " , ")
    assert "Invalid value for '--rate'" in refused("--rate", "-1")
    assert "Invalid value for '--port'" in refused("--port", "70000")
    assert "Invalid value for '--duration'" in refused("--duration", "0")
    assert "Invalid value for '--history'" in refused("--history", "-1")
    assert "Invalid value for '--faults'" in refused("--faults", "many")
    assert "does not exist" in refused("--replay", os.fspath(tmp_path / "none"))
    assert "belong together" in refused("--tls-cert", os.fspath(CAPTURE))
    assert "cannot use this certificate" in refused("--tls-cert", os.fspath(CAPTURE), "--tls-key", os.fspath(CAPTURE))


def test_a_replay_that_cannot_be_played(tmp_path: Path) -> None:
    path = tmp_path / "capture.tsv"
    path.write_text("no tab here\n")
    assert "cannot replay: line 1 of" in refused("--replay", os.fspath(path))
    assert "above zero" in refused("--replay", os.fspath(CAPTURE), "--speed", "0")


def test_rest_tells_of_the_history(tmp_path: Path) -> None:
    options = "--port 0 --codes SGD-BTC --rate 1 --history 1 --faults 5"
    with running(*options.split()) as process:
        base_url = re.search(r"http://[\d.:]+", ready_line(process))
        assert base_url
        url = f"{base_url[0]}/v1/candles/minutes/1?market=SGD-BTC&count=200"
        with urllib.request.urlopen(url, timeout=BOUND_S) as answer:  # noqa: S310  # our own server
            assert 55 <= len(json.load(answer)) <= 62


@pytest.mark.parametrize("pair", ["secret-without-colon", ":secret", "access:"])
def test_a_bad_key_pair_is_not_repeated(pair: str) -> None:
    output = refused("--keys", pair)
    assert "ACCESS:SECRET" in output
    assert pair not in output


def test_the_help_names_every_option() -> None:
    result = CliRunner().invoke(simulate, ["--help"])
    assert result.exit_code == 0
    for option in simulate.params:
        assert isinstance(option, click.Option)
        assert option.opts[0] in result.output


def newest_ids(base_url: str) -> list[int]:
    url = f"{base_url}/v1/trades/ticks?market=SGD-BTC&count=500"
    with urllib.request.urlopen(url, timeout=BOUND_S) as answer:  # noqa: S310  # our own server
        return [trade["sequential_id"] for trade in json.load(answer)]


def test_with_a_tape_it_goes_on_after_it_was_killed(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    options = f"--port 0 --codes SGD-BTC --rate 200 --no-limits --tape {tape}"
    seen: list[int] = []
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        with running(*options.split()) as process:
            base_url = re.search(r"http://[\d.:]+", ready_line(process))
            assert base_url
            ids = newest_ids(base_url[0])
            assert set(seen) <= set(ids)
            bound = time.monotonic() + BOUND_S
            while len(ids) < len(seen) + 20 and time.monotonic() < bound:
                ids = newest_ids(base_url[0])
            assert len(ids) == len(set(ids)) >= len(seen) + 20
            seen = ids
            process.send_signal(number)
            process.wait(timeout=BOUND_S)
    whole, _, _ = tape.read_bytes().rpartition(b"\n")
    kept = [json.loads(line)["sequential_id"] for line in whole.splitlines()]
    assert set(seen) <= set(kept)


def test_a_tape_that_cannot_be_gone_on_from(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    tape.write_bytes(b"no trades\n")
    assert "is no tape" in refused("--tape", os.fspath(tape))
    tape.write_bytes(b'{"code":"SGD-BTC"}\n')
    assert "line 1 of" in refused("--tape", os.fspath(tape))
    with TapeFile(tmp_path / "held.jsonl"):
        result = CliRunner().invoke(simulate, ["--tape", os.fspath(tmp_path / "held.jsonl")])
    assert (result.exit_code, result.output) == (1, f"Error: another stand-in exchange writes {tmp_path}/held.jsonl\n")
    result = CliRunner().invoke(simulate, ["--tape", os.fspath(tmp_path / "none" / "tape.jsonl")])
    assert result.exit_code == 1
    assert "No such file or directory" in result.output


def test_a_disk_that_fills_up_ends_it(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"

    def limit_file_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [*COMMAND, "--port", "0", "--rate", "500", "--tape", os.fspath(tape)]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=BOUND_S, check=False, preexec_fn=limit_file_size
    )
    assert result.returncode == 1
    assert result.stderr.endswith(f"Error: cannot write {tape}: File too large; the market ended with it\n")


def test_its_clock_is_the_machines_however_long_the_start_took() -> None:
    with running("--port", "0", "--codes", "SGD-BTC", "--rate", "100", "--history", "0.25") as process:
        base_url = re.search(r"http://[\d.:]+", ready_line(process))
        assert base_url
        url = f"{base_url[0]}/v1/trades/ticks?market=SGD-BTC&count=1"
        asked_ms = time.time() * 1_000
        with urllib.request.urlopen(url, timeout=BOUND_S) as answer:  # noqa: S310  # our own server
            [newest] = json.load(answer)
        assert newest["timestamp"] > asked_ms - 700
