"""``upbit-stream verify``: what it says and how it ends, then against ``upbit-stream simulate`` with real processes."""

import io
import json
import os
import re
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner
from rich.console import Console
from tests.record.recordings import START_MS, lines_of, record, trade, verified
from tests.record.test_verify import gap

from upbit_stream.cli.main import upbit_stream
from upbit_stream.cli.verify_text import overview
from upbit_stream.net.places import STATE_DIR_VARIABLE
from upbit_stream.record import Recorder
from upbit_stream.wire.rest import read_trades

BOUND_S = 60
COMMAND = [sys.executable, "-m", "upbit_stream"]
NO_KEYS = {name: value for name, value in os.environ.items() if not name.startswith("UPBIT_")}
FILE = "SGD-BTC_trade.jsonl"


def verify(*arguments):
    result = CliRunner().invoke(upbit_stream, ["verify", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def recording(tmp_path):
    return record(tmp_path / "data", *(trade(n) for n in range(1, 11)))


# what it says


def test_a_whole_recording(recording):
    status, stdout, stderr = verify(recording)
    assert (status, stderr) == (0, "")
    assert re.search(rf"{FILE} +10 +2025-10-09 08:53:20Z +2025-10-09 08:53:20Z +0 +0 *\n", stdout)
    said = (
        "Nothing is wrong with the files (10 rows in 1 file); --online compares the trades with those of the exchange"
    )
    assert stdout.endswith(f"{said}\n")


def test_everything_that_is_wrong_is_named(recording):
    record(recording, trade(3))
    with (recording / FILE).open("ab") as file:
        file.write(b'\x1b[2J\n{"type":"new","code":"\\u001b[2J","received_at_ns":1760000000000000000}\n{"torn')
    status, stdout, stderr = verify(recording)
    assert (status, stderr) == (5, "")
    assert stdout.isprintable() or "\x1b" not in stdout
    assert f"{FILE}: a torn last line of 6 B\n" in stdout
    assert f"{FILE}: 1 line cannot be read: line 12 (JSON is malformed" in stdout
    assert f"{FILE}: 1 row of another stream: line 13 (a row of new:\\x1b[2J)\n" in stdout
    assert f"{FILE}: 1 trade more than once: 3 (2 times)\n" in stdout
    assert stdout.endswith("The recording is not whole: see 1 file above (11 rows in 1 file)\n")


def test_gaps_and_notes(recording):
    with Recorder(recording) as recorder:
        recorder.gap(gap(number=1))
        recorder.gap(gap(number=2, lost="it is too old"))
        recorder.gap(gap("orderbook", number=3, lost="no history"))
    (recording / "malformed.jsonl").write_bytes(b'{"payload_base64":"AA==","received_at_ns":1760000000000000000}\n')
    (recording / "notes.jsonl").write_bytes(b"{}\n")
    record(recording, trade(11, START_MS), received_ms=START_MS - 1)
    status, stdout, _ = verify(recording)
    assert status == 5
    assert f"{FILE}: 1 gap lost and 1 gap still open: 2025-10-09 08:53:20.000Z to " in stdout
    assert "(reset; it is too old)" in stdout
    assert "note: SGD-BTC_orderbook.jsonl: 1 gap lost, which nothing can fill" in stdout
    assert "note: malformed.jsonl: 1 payload of the exchange could not be read" in stdout
    assert f"note: {FILE}: 1 row received before the row above" in stdout
    assert f"note: {FILE}: 1 live trade executed before the one above" in stdout
    assert "note: not looked at, since they are no files of a recorder: notes.jsonl" in stdout


def test_twenty_are_named_and_as_json_all(recording):
    with (recording / FILE).open("ab") as file:
        file.write(b"nonsense\n" * 100)
    status, stdout, _ = verify(recording)
    assert (status, stdout.count("line "), " and 80 more\n" in stdout) == (5, 20, True)
    status, stdout, stderr = verify(recording, "--json")
    assert (status, stderr, stdout.count("\n")) == (5, "", 1)
    found = json.loads(stdout)
    [file] = found["files"]
    assert (found["is_whole"], file["file"], file["rows"], file["wrong"]) == (False, FILE, 10, ["malformed"])
    assert [bad["line"] for bad in file["malformed"]["named"]] == list(range(11, 111))


def test_quiet_says_only_what_is_wrong(recording):
    assert verify(recording, "-q") == (0, "", "")
    record(recording, trade(3))
    assert verify(recording, "-q") == (5, f"{FILE}: 1 trade more than once: 3 (2 times)\n", "")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none"], "none is no directory"),
        (["empty"], "there is no recording in"),
        (["data", "--region", "sg"], "--online"),
        (["data", "--online"], "say which exchange"),
        (["data", "--online", "--base-url", "http://192.0.2.1"], "--insecure"),
        ([], "Missing argument"),
    ],
)
def test_what_makes_no_sense_is_told(recording, tmp_path, arguments, reason):
    (tmp_path / "empty").mkdir()
    arguments = [tmp_path / arguments[0], *arguments[1:]] if arguments else []
    status, stdout, stderr = verify(*arguments)
    assert (status, stdout) == (2, "")
    assert reason in stderr


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_is_cut_off_where_the_terminal_is_narrow(recording, width):
    record(recording, trade(11, stream_type="RECOVERED"), received_ms=START_MS + 60_000)
    shown = io.StringIO()
    console = Console(file=shown, width=width)
    console.print(overview(verified(recording)[1], console))
    text = " ".join(shown.getvalue().split())
    assert FILE in text
    assert text.count("2025-10-09 08:53:20Z") == text.count("2025-10-09 08:54:20Z") == 1
    assert "…" not in text
    assert ("11 rows (1 of them recovered), received" in text) == (width < 100)


# real processes


@pytest.fixture(scope="module")
def base_url():
    """A stand-in exchange on a free port, which has been trading for a quarter of an hour."""
    command = [*COMMAND, "simulate", "--port", "0", "--rate", "5", "--history", "0.25", "--duration", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=NO_KEYS) as exchange:
        try:
            (url,) = re.findall(r" (http://\S+) ", exchange.stdout.readline())
            yield url
        finally:
            exchange.kill()


@pytest.fixture
def run(tmp_path):
    def start(*arguments):
        env = {**NO_KEYS, STATE_DIR_VARIABLE: str(tmp_path / "state")}
        ran = subprocess.run(
            [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=BOUND_S, check=False, env=env
        )
        return ran.returncode, ran.stdout, ran.stderr

    return start


@pytest.fixture
def told(base_url, tmp_path):
    """A recording of trades of some time ago, as the exchange tells them."""
    with urllib.request.urlopen(f"{base_url}/v1/trades/ticks?market=SGD-BTC&count=500") as answer:  # noqa: S310
        rows = read_trades(answer.read())
    return record(tmp_path / "data", *(row.payload() for row in rows[:50:-1]))


def test_what_the_exchange_has_told_is_right(run, told, base_url):
    count = len(lines_of(told / FILE))
    status, stdout, stderr = run("verify", told, "--online", "--base-url", base_url)
    assert (status, stderr) == (0, "")
    assert f"The recording is whole ({count} rows in 1 file; {count} trades compared with the exchange's)" in stdout


def test_trades_that_are_missing_invented_or_altered_are_named(run, told, base_url):
    lines = lines_of(told / FILE)
    gone = json.loads(lines.pop(40))["sequential_id"]
    changed = json.loads(lines[30])
    lines[30] = re.sub(rb'"trade_volume":[^,]+', b'"trade_volume":123456.5', lines[30])
    made_up = json.loads(lines[20])["sequential_id"] + 1
    lines.append(lines[20].replace(b"%d" % (made_up - 1), b"%d" % made_up))
    (told / FILE).write_bytes(b"".join(lines))
    status, stdout, stderr = run("verify", told, "--online", "--base-url", base_url)
    assert (status, stderr) == (5, "")
    assert re.search(rf"{FILE}: 1 trade missing: {gone} \(\S+ \S+Z, \S+ at \S+, (ASK|BID)\)\n", stdout)
    assert re.search(rf"{FILE}: 1 trade that the exchange does not know: {made_up} \(", stdout)
    assert f"not as the exchange tells of it, which is: {changed['sequential_id']} (" in stdout
    status, stdout, _ = run("verify", told, "--online", "--base-url", base_url, "--json")
    [file] = json.loads(stdout)["files"]
    assert (status, file["wrong"]) == (5, ["missing", "invented", "altered"])
    assert [trade["sequential_id"] for trade in file["online"]["missing"]["named"]] == [gone]
    assert file["online"]["altered"]["named"][0]["trade_volume"] != "123456.5"


def test_an_exchange_that_is_not_there_is_told(run, told, monkeypatch):
    import upbit_stream.cli.verify as command

    monkeypatch.setattr(command, "WAITS_S", ())
    status, stdout, stderr = verify(told, "--online", "--base-url", "http://127.0.0.1:1")
    assert status == 1
    assert "Nothing wrong was found, but 1 file could not be compared (" in stdout
    assert f"error: {FILE}: not compared: " in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("wire_format", ["DEFAULT", "SIMPLE_LIST"])
def test_what_was_recorded_just_now_is_right(run, base_url, tmp_path, wire_format):
    streams = ["trade:SGD-BTC,SGD-ETH", "ticker:SGD-BTC", "orderbook:SGD-BTC.15", "candle.1m:SGD-BTC"]
    options = ["--out", tmp_path / "data", "--duration", "5", "--format", wire_format, "-q"]
    status, _, stderr = run("record", *streams, "--base-url", base_url, *options)
    assert (status, stderr) == (0, "")
    status, stdout, stderr = run("verify", tmp_path / "data", "--online", "--base-url", base_url, "--json")
    found = json.loads(stdout)
    assert {file["file"]: file["wrong"] for file in found["files"] if file["wrong"]} == {}
    assert (status, stderr, found["is_whole"]) == (0, "", True)
    assert sum(file["online"]["checked"] for file in found["files"] if file["online"]) > 5
