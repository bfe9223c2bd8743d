import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from upbit_stream.simulator import Exchange, Recorded, Replay
from upbit_stream.simulator.names import translate

Connect = Callable[..., Any]
CODES = ["KRW-LAMB", "KRW-WAVES", "BTC-XTZ", "BTC-ITAM", "BTC-PAX"]
BOTH = [{"type": "trade", "codes": CODES}, {"type": "orderbook", "codes": CODES}]
LENGTH_MS = (1618678284448621000 - 1618678263010785000) // 1_000_000


@pytest.fixture
def recorded(capture: Path) -> list[bytes]:
    return [line.split(b"\t")[1] for line in capture.read_bytes().splitlines()]


@pytest.fixture
def playing(capture: Path, start_ms: int) -> Callable[..., Exchange]:
    def made(speed: float = 1.0, **options: Any) -> Exchange:
        return Exchange(start_ms=start_ms, replay=Replay.from_file(capture, speed=speed), **options)

    return made


def test_a_subscriber_gets_every_payload_byte_for_byte_in_order(
    connect: Connect, playing: Callable[..., Exchange], recorded: list[bytes]
) -> None:
    client = connect(playing()).ask(*BOTH, style="SIMPLE")
    early = client.after(LENGTH_MS - 1).payloads()
    late = client.after(1).payloads()
    assert early + late == recorded
    assert late
    assert len(recorded) == 260


def test_in_a_list_format_each_payload_is_wrapped(
    connect: Connect, playing: Callable[..., Exchange], recorded: list[bytes]
) -> None:
    client = connect(playing()).ask(*BOTH, style="SIMPLE_LIST").after(LENGTH_MS)
    assert client.payloads() == [b"[" + payload + b"]" for payload in recorded]


@pytest.mark.parametrize("style", ["DEFAULT", "JSON_LIST"])
def test_under_the_other_names_it_is_translated(
    connect: Connect, playing: Callable[..., Exchange], recorded: list[bytes], style: str
) -> None:
    client = connect(playing()).ask(*BOTH, style=style).after(LENGTH_MS)
    got = client.payloads()
    long = [payload[1:-1] if style == "JSON_LIST" else payload for payload in got]
    assert [translate(payload, json.loads(payload)["type"], to_simple=True) for payload in long] == recorded
    assert b'"prev_closing_price":123.00000000' in long[0]


@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0, 1e6])
def test_the_pace_is_that_of_the_recording(
    connect: Connect, playing: Callable[..., Exchange], capture: Path, speed: float
) -> None:
    stamps = [int(line.split(b"\t")[0]) for line in capture.read_bytes().splitlines()]
    client = connect(playing(speed)).after(5_000).ask(*BOTH, style="SIMPLE")
    start_ms, moments = client.now_ms, []
    while len(moments) < len(stamps):
        moments += [client.now_ms - start_ms] * len(client.payloads())
        client.exchange.advance(client.exchange.next_event_at_ms())
    assert moments == [int((stamp - stamps[0]) / speed) // 1_000_000 for stamp in stamps]


def test_it_starts_with_the_first_subscription_to_any_of_it(
    connect: Connect, playing: Callable[..., Exchange], recorded: list[bytes]
) -> None:
    exchange = playing()
    stranger = connect(exchange).ask({"type": "trade", "codes": ["SGD-BTC"]})
    wrong_type = connect(exchange).ask({"type": "ticker", "codes": CODES})
    only_snapshot = connect(exchange).ask(*(item | {"is_only_snapshot": True} for item in BOTH))
    exchange.advance(exchange.agenda.now_ms + 60_000)
    assert stranger.payloads()
    client = connect(exchange).ask(*BOTH, style="SIMPLE").after(LENGTH_MS)
    assert client.payloads() == recorded
    assert wrong_type.payloads() == only_snapshot.payloads() == []


def test_each_gets_what_it_asked_for(connect: Connect, playing: Callable[..., Exchange], recorded: list[bytes]) -> None:
    exchange = playing()
    trades = connect(exchange).ask({"type": "trade", "codes": ["KRW-LAMB"]}, style="SIMPLE")
    books = connect(exchange).ask({"type": "orderbook", "codes": ["BTC-XTZ", "BTC-PAX"]}, style="SIMPLE")
    exchange.advance(exchange.agenda.now_ms + LENGTH_MS)

    def part(kind: str, codes: list[str]) -> list[bytes]:
        return [p for p in recorded if (said := json.loads(p))["ty"] == kind and said["cd"] in codes]

    assert trades.payloads() == part("trade", ["KRW-LAMB"])
    assert books.payloads() == part("orderbook", ["BTC-XTZ", "BTC-PAX"])


def test_depth_changes_nothing_and_two_depths_come_once(
    connect: Connect, playing: Callable[..., Exchange], recorded: list[bytes]
) -> None:
    books = {"type": "orderbook", "codes": [f"{code}.{units}" for code in CODES for units in (1, 5)]}
    client = connect(playing()).ask(BOTH[0], books, style="SIMPLE").after(LENGTH_MS)
    assert client.payloads() == recorded


def test_another_level_is_not_what_was_recorded(connect: Connect, playing: Callable[..., Exchange]) -> None:
    client = connect(playing()).ask({"type": "orderbook", "codes": CODES, "level": 10}, style="SIMPLE")
    assert client.after(LENGTH_MS).payloads() == []


def test_at_the_end_it_is_silent_and_the_connection_stays(connect: Connect, playing: Callable[..., Exchange]) -> None:
    client = connect(playing()).ask(*BOTH).after(LENGTH_MS)
    client.payloads()
    assert client.after(60_000).payloads() == []
    assert client.session.is_open


def test_replayed_markets_are_not_generated(connect: Connect, playing: Callable[..., Exchange]) -> None:
    exchange = playing(codes=["KRW-LAMB", "SGD-BTC"])
    assert exchange.codes == ("SGD-BTC", *sorted(CODES))
    assert set(exchange.markets) == {"SGD-BTC"}
    client = connect(exchange).ask({"type": "candle.1s", "codes": ["KRW-LAMB"]}, {"type": "ticker", "codes": CODES})
    assert client.after(100_000).payloads() == []


def test_a_recording_under_default_names_in_lists_and_with_other_lines(tmp_path: Path, connect: Connect) -> None:
    path = tmp_path / "recording.tsv"
    path.write_bytes(
        b'1000000000\t{"status":"UP"}\r\n'
        b'2000000000\t[{"type":"trade","code":"A-B","trade_price":1.50},{"type":"trade","code":"A-C"}]\n'
        b"\n"
        b'2500000000\t{"type":"ticker","code":"A-B","opening_price":1E-8}\n'
    )
    replay = Replay.from_file(path)
    assert [(record.kind, record.code) for record in replay.records] == [
        ("trade", "A-B"),
        ("trade", "A-C"),
        ("ticker", "A-B"),
    ]
    exchange = Exchange(start_ms=0, replay=replay)
    wanted = [{"type": "trade", "codes": ["A-B"]}, {"type": "ticker", "codes": ["A-B"]}]
    short, long = connect(exchange).ask(*wanted, style="SIMPLE"), connect(exchange).ask(*wanted, style="JSON_LIST")
    exchange.advance(1_000)
    # The first subscriber alone was there when the replay began.
    assert long.payloads() == [b'[{"type":"ticker","code":"A-B","opening_price":1E-8}]']
    assert short.payloads() == [
        b'{"ty":"trade","cd":"A-B","tp":1.50}',
        b'{"ty":"ticker","cd":"A-B","op":1E-8}',
    ]


@pytest.mark.parametrize(
    "line", [b"no tab", b'x\t{"ty":"trade"}', b"1\tnot json", b'1\t{"ty":5}', b'1\t"text"', b"1\t[1]", b"1\t"]
)
def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "recording.tsv"
    path.write_bytes(b'1\t{"ty":"trade","cd":"A-B"}\n' + line + b"\n")
    with pytest.raises(ValueError, match="line 2 of"):
        Replay.from_file(path)


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_a_speed_is_above_zero(speed: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Replay([Recorded(0, b"{}", "trade", "A-B", simple=True)], speed=speed)


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recording.tsv"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="at least one message"):
        Replay.from_file(path)
