"""``upbit-stream record`` against ``upbit-stream simulate``: real processes, sockets, files and signals."""

import base64
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import pytest

from upbit_stream.net.places import STATE_DIR_VARIABLE
from upbit_stream.record import read_gaps

BOUND_S = 60  # nothing here takes so long; a test that would hang fails
COMMAND = [sys.executable, "-m", "upbit_stream"]
NO_KEYS = {name: value for name, value in os.environ.items() if not name.startswith("UPBIT_")}


@pytest.fixture(scope="module")
def base_url():
    """A stand-in exchange on a free port."""
    command = [*COMMAND, "simulate", "--port", "0", "--rate", "100", "--duration", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=NO_KEYS) as exchange:
        try:
            (url,) = re.findall(r" (http://\S+) ", exchange.stdout.readline())
            yield url
        finally:
            exchange.kill()


@pytest.fixture
def record(base_url, tmp_path):
    """Starts ``record``; whatever still runs at the end is killed."""
    started = []

    def start(*arguments, out=tmp_path / "data", env=None, **options):
        command = [*COMMAND, "record", "--base-url", base_url, "--out", str(out), *arguments]
        recorder = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**NO_KEYS, STATE_DIR_VARIABLE: str(tmp_path / "state"), **(env or {})},
            **options,
        )
        started.append(recorder)
        return recorder

    yield start
    for recorder in started:
        recorder.kill()
        recorder.communicate()


def ended(recorder):
    stdout, stderr = recorder.communicate(timeout=BOUND_S)
    return recorder.returncode, stdout, stderr


def wait_for_rows(recorder, path, more_than=0):
    """Until the file has more than so many bytes."""
    bound = time.monotonic() + BOUND_S
    while recorder.poll() is None and time.monotonic() < bound:
        with suppress(FileNotFoundError):
            if path.stat().st_size > more_than:
                return
        time.sleep(0.01)  # another process writes it: there is nothing to wait on but the file
    pytest.fail(f"no rows came: {recorder.communicate()}")


def rows(path):
    content = path.read_bytes()
    assert content.endswith(b"}\n")
    return [json.loads(line) for line in content.splitlines()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_with_whole_lines_and_a_summary(record, base_url, tmp_path, number):
    recorder = record("trade:SGD-BTC", "ticker:SGD-BTC", "orderbook:SGD-BTC.15", "candle.1m:SGD-BTC")
    wait_for_rows(recorder, tmp_path / "data" / "SGD-BTC_trade.jsonl")
    recorder.send_signal(number)
    status, stdout, stderr = ended(recorder)
    assert (status, "Traceback" in stderr) == (0, False)
    for type_ in ("trade", "ticker", "orderbook", "candle.1m"):
        recorded = rows(tmp_path / "data" / f"SGD-BTC_{type_}.jsonl")
        assert {row["type"] for row in recorded} == {type_}
        assert {row["code"] for row in recorded} == {"SGD-BTC"}
        assert all(list(row)[-1] == "received_at_ns" for row in recorded)
        assert re.search(rf"{type_}:SGD-BTC +{len(recorded):,} +.* SGD-BTC_{type_}\.jsonl", stdout)
    assert f"The files are in {tmp_path / 'data'}" in stdout
    assert "never" not in stdout  # SGD-BTC.15 asks for a depth, its messages are of SGD-BTC
    assert "nothing came" not in stderr
    assert re.match(rf"\S+ info: recording {base_url} into {tmp_path / 'data'}\n", stderr)


def test_it_ends_after_the_duration(record, tmp_path):
    status, stdout, stderr = ended(record("trade:SGD-BTC", "trade:SGD-NONE", "--duration", "2"))
    assert status == 0
    assert stderr.endswith("warning: nothing came of trade:SGD-NONE: does this region have that market?\n")
    assert rows(tmp_path / "data" / "SGD-BTC_trade.jsonl")
    assert re.search(r"trade:SGD-NONE +0 +0 B +never", stdout)


@pytest.mark.parametrize("wire_format", ["DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"])
def test_each_format_is_recorded_as_it_came(record, tmp_path, wire_format):
    status, stdout, stderr = ended(record("trade:SGD-BTC", "--format", wire_format, "--duration", "2", "--quiet"))
    assert (status, stdout, stderr) == (0, "", "")
    key = "ty" if wire_format.startswith("SIMPLE") else "type"
    assert {row[key] for row in rows(tmp_path / "data" / "SGD-BTC_trade.jsonl")} == {"trade"}


def test_private_streams_with_keys_from_the_environment(record, tmp_path):
    from upbit_stream.simulator import DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY

    env = {"UPBIT_ACCESS_KEY": DEFAULT_ACCESS_KEY, "UPBIT_SECRET_KEY": DEFAULT_SECRET_KEY}
    recorder = record("myAsset", "myOrder", "-vv", "--log-json", env=env)
    wait_for_rows(recorder, tmp_path / "data" / "myAsset.jsonl")
    recorder.terminate()
    status, stdout, stderr = ended(recorder)
    assert status == 0
    assert rows(tmp_path / "data" / "myAsset.jsonl")[0]["type"] == "myAsset"
    assert all(json.loads(line)["logger"] for line in stderr.splitlines())
    payload = base64.urlsafe_b64encode(b'{"access_key"').decode().rstrip("=")
    for secret in (DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY, "Bearer ey", payload[:16]):
        assert secret not in stdout + stderr


def test_after_a_crash_it_goes_on_with_whole_lines(record, tmp_path):
    path = tmp_path / "data" / "SGD-BTC_trade.jsonl"
    first = record("trade:SGD-BTC")
    wait_for_rows(first, path)
    first.kill()
    first.wait(BOUND_S)
    with path.open("ab") as file:
        file.write(b'{"type":"trade","code":"SGD-B')  # as a crash in the middle of a write leaves it
    before = path.stat().st_size

    second = record("trade:SGD-BTC")
    wait_for_rows(second, path, more_than=before)
    second.terminate()
    status, stdout, stderr = ended(second)
    assert status == 0
    assert "cut a torn last line of 29 bytes" in stderr
    assert "29 B of torn last lines were cut" in stdout
    times = [row["received_at_ns"] for row in rows(path)]
    assert times == sorted(times)


def test_after_kill_9_it_fills_in_what_it_missed(record, base_url, tmp_path):
    path = tmp_path / "data" / "SGD-BTC_trade.jsonl"
    for _ in range(2):
        before = path.stat().st_size if path.exists() else 0
        killed = record("trade:SGD-BTC")
        wait_for_rows(killed, path, more_than=before)
        killed.kill()
        killed.wait(BOUND_S)
    first = json.loads(path.read_bytes().splitlines()[0])

    gaps_before = len(read_gaps(path.parent))
    last = record("trade:SGD-BTC", "-v")
    wait_for_settled_gaps(last, path.parent, more_than=gaps_before)
    last.terminate()
    status, stdout, _ = ended(last)
    assert status == 0
    assert re.search(r"gaps? noticed: \d+ filled with [\d,]+ messages?; see gaps.jsonl", stdout)
    recorded = [row["sequential_id"] for row in rows(path)]
    assert len(recorded) == len(set(recorded))
    assert trades_since(base_url, first["sequential_id"], until=recorded[-1]) <= set(recorded)
    assert {row.state for row in read_gaps(path.parent)} == {"recovered"}


def wait_for_settled_gaps(recorder, directory, more_than):
    """Until more than so many gaps were noticed, and none is open."""
    bound = time.monotonic() + BOUND_S
    while recorder.poll() is None and time.monotonic() < bound:
        gaps = read_gaps(directory)
        if len(gaps) > more_than and all(row.state != "open" for row in gaps):
            return
        time.sleep(0.05)  # another process writes it: there is nothing to wait on but the file
    pytest.fail(f"gaps are not settled: {recorder.communicate()}")


def trades_since(base_url, first, until):
    """The ids of the exchange's trades after ``first`` and up to ``until``."""
    ids = []
    for days_ago in ("", "&days_ago=1"):  # midnight may have passed meanwhile
        cursor = ""
        while first not in ids:
            url = f"{base_url}/v1/trades/ticks?market=SGD-BTC&count=500{days_ago}{cursor}"
            with urllib.request.urlopen(url) as answer:  # noqa: S310 - the stand-in's own address
                page = [trade["sequential_id"] for trade in json.load(answer)]
            if not page:
                break
            ids += page
            cursor = f"&cursor={page[-1]}"
    return set(ids[ids.index(until) : ids.index(first) + 1])


def test_a_full_disk_is_told_and_leaves_whole_lines(record, tmp_path):
    def limit_file_size():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    path = tmp_path / "data" / "SGD-BTC_orderbook.jsonl"
    path.parent.mkdir()
    path.write_bytes(b'{"type":"orderbook","received_at_ns":1}\n' * 24_900)  # so that it does not take long
    status, stdout, stderr = ended(record("orderbook:SGD-BTC", "-q", preexec_fn=limit_file_size))
    assert (status, stdout) == (3, "")
    assert re.search(
        r"^Error: cannot write .*SGD-BTC_orderbook\.jsonl: File too large; .*are lost$", stderr, re.MULTILINE
    )
    assert len(rows(path)) >= 24_900


def test_a_directory_that_cannot_be_is_told(record, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    status, _, stderr = ended(record("trade:SGD-BTC", out=tmp_path / "file" / "data"))
    assert status == 3
    assert re.fullmatch(r"Error: cannot record to .*: Not a directory; choose .*\n", stderr)


def test_a_directory_in_use_is_told(record, tmp_path):
    first = record("trade:SGD-BTC")
    wait_for_rows(first, tmp_path / "data" / "SGD-BTC_trade.jsonl")
    status, _, stderr = ended(record("trade:SGD-ETH"))
    assert (status, "another recorder" in stderr) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nope:SGD-BTC"], "unknown type"),
        (["trade:sgd-btc"], "'SGD-BTC'"),
        (["myAsset"], "UPBIT_ACCESS_KEY and UPBIT_SECRET_KEY"),
        (["trade:SGD-BTC", "--base-url", "http://192.0.2.1"], "--insecure"),
        (["trade:SGD-BTC", "--region", "xx"], "--region"),
        (["trade:SGD-BTC", "--connections", "4"], "--connections"),
        (["trade:SGD-BTC", "--audit", "-1"], "--audit"),
        (["orderbook:SGD-BTC.1", "orderbook:SGD-BTC.15"], "record them into two directories"),
        ([], "Missing argument"),
    ],
)
def test_what_makes_no_sense_is_told_and_leaves_no_directory(record, tmp_path, arguments, reason):
    status, stdout, stderr = ended(record(*arguments))
    assert (status, stdout) == (2, "")
    assert reason in stderr
    assert not (tmp_path / "data").exists()


def test_refused_keys_are_told(record):
    env = {"UPBIT_ACCESS_KEY": "unknown-access-key", "UPBIT_SECRET_KEY": "s" * 64}
    status, stdout, stderr = ended(record("myAsset", env=env))
    assert (status, stdout) == (4, "")  # an empty table would tell nothing
    assert "refused the credentials" in stderr
    assert "s" * 64 not in stderr


def test_an_exchange_that_is_not_there_is_told(record):
    status, stdout, stderr = ended(record("trade:SGD-BTC", "--max-retries", "0", "--base-url", "http://127.0.0.1:1"))
    assert (status, stdout) == (1, "")
    assert "Error: " in stderr
    assert "Traceback" not in stderr


def test_an_exchange_without_tls_is_hinted_at(record, base_url):
    secure = base_url.replace("http:", "https:")
    status, _, stderr = ended(record("trade:SGD-BTC", "-q", "--max-retries", "0", "--base-url", secure))
    assert status == 1
    assert re.fullmatch(r"Error: .*no TLS is spoken there: is it http://\?\n", stderr)


def test_who_ends_it_without_a_connection_sees_no_empty_table(record):
    recorder = record("trade:SGD-BTC", "--base-url", "http://127.0.0.1:1")
    assert "info: recording" in recorder.stderr.readline()
    recorder.terminate()
    status, stdout, stderr = ended(recorder)
    assert (status, stdout) == (0, "")
    assert "nothing was recorded: there was no connection" in stderr
