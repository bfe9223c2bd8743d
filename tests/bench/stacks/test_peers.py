"""The peers whose libraries are among the tools of the tests, before the blaster; what the recording one writes."""

import json

import pytest
from bench.loads import CODES, LOADS
from bench.measure import Task
from bench.peers.catalog import PEERS
from bench.processes import Cores, Failed, blaster, run_stack
from bench.stacks.sample_recording import recording

MESSAGES = 60
HERE = [name for name, peer in PEERS.items() if peer.environment in {"sample", "upbit_sdk"}]


def a_task(port, load, wire_format):
    return Task(
        url=f"ws://127.0.0.1:{port}/websocket/v1",
        load=load,
        format=wire_format,
        messages=MESSAGES,
        codes=list(CODES),
        types=list(LOADS[load].types),
    )


@pytest.mark.parametrize("load", ["A", "B"])
@pytest.mark.parametrize("name", HERE)
def test_a_peer_receives_every_message_and_tells_what_it_took(name, load):
    cores = Cores.chosen()
    wire_format = PEERS[name].loads[load]
    with blaster({"load": load, "messages": MESSAGES, "format": wire_format}, cores.sender) as port:
        told = run_stack(name, a_task(port, load, wire_format), cores.receiver, limit_s=60)
    assert (told["stack"], told["messages"]) == (name, MESSAGES)
    assert told["cpu_s"] > 0
    assert told["wall_s"] > 0
    assert told["peak_rss_bytes"] > 1_000_000
    assert told["versions"]


@pytest.mark.parametrize("name", HERE)
def test_a_peer_that_finds_nobody_says_so(name):
    with pytest.raises(Failed, match="Connection refused"):
        run_stack(name, a_task(1, "A", "SIMPLE"), None, limit_s=60)


@pytest.mark.parametrize("simple", [False, True])
def test_a_recording_appends_a_line_to_the_file_of_the_market_and_counts_afterwards(tmp_path, simple):
    kind, code = ("ty", "cd") if simple else ("type", "code")
    seen = []

    def count(message):
        seen.append((message, (tmp_path / "KRW-BTC_trade.jsonl").read_text()))

    take = recording(tmp_path, simple)(count)
    first, second = ({kind: "trade", code: "KRW-BTC", "name": name} for name in ("비트코인", "other"))
    take(json.dumps(first).encode())
    take(json.dumps(second).encode())
    lines = [json.dumps(message, ensure_ascii=False) + "\n" for message in (first, second)]
    assert seen == [(first, lines[0]), (second, lines[0] + lines[1])]
    assert "비트코인" in lines[0]
