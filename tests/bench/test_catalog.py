"""The table of the peers beside what it speaks of: stacks, environments, loads."""

import ast
import os

import pytest
from bench.loads import LOADS
from bench.measure import Task
from bench.peers import dialling
from bench.peers.catalog import PEERS
from bench.peers.environments import REQUIREMENTS

STACKS = REQUIREMENTS.parent / "stacks"
PEER = pytest.mark.parametrize("peer", PEERS.values(), ids=list(PEERS))


@PEER
def test_each_peer_has_a_program_that_names_itself_so(peer):
    module = ast.parse((STACKS / f"{peer.stack}.py").read_text())
    meters = [node for node in ast.walk(module) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Meter"]
    assert [ast.literal_eval(meter.args[0]) for meter in meters] == [peer.stack]


@PEER
def test_each_peer_has_pinned_requirements(peer):
    assert (REQUIREMENTS / f"{peer.environment}.txt").is_file()


def test_each_environment_is_of_use():
    used = {peer.environment for peer in PEERS.values()}
    assert (
        used == {path.stem for path in REQUIREMENTS.glob("*.txt")} == {path.stem for path in REQUIREMENTS.glob("*.in")}
    )


@PEER
def test_a_peer_does_loads_that_there_are_in_formats_that_there_are(peer):
    assert peer.loads
    assert set(peer.loads) <= set(LOADS)
    assert set(peer.loads.values()) <= {"DEFAULT", "SIMPLE"}


@PEER
def test_what_a_peer_does_otherwise_is_noted(peer):
    as_asked = {name: load.format for name, load in LOADS.items()}
    if peer.loads != as_asked:
        assert peer.note


def a_task(**more):
    return Task(url="ws://127.0.0.1:1/websocket/v1", load="A", format="SIMPLE", messages=1, **more)


def test_a_request_asks_for_every_type_in_the_format_of_the_task():
    ticket, *wanted, last = dialling.request(a_task(codes=["KRW-BTC"], types=["trade", "orderbook"]))
    assert ticket["ticket"]
    assert wanted == [{"type": "trade", "codes": ["KRW-BTC"]}, {"type": "orderbook", "codes": ["KRW-BTC"]}]
    assert last == {"format": "SIMPLE"}


def test_a_market_is_named_once_and_without_depth():
    assert dialling.markets(a_task(codes=["KRW-BTC", "KRW-BTC.15", "KRW-ETH.15"])) == ["KRW-BTC", "KRW-ETH"]


def test_an_authority_is_trusted_only_where_there_is_one(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "the system's")
    dialling.trust(a_task())
    assert os.environ["SSL_CERT_FILE"] == "the system's"
    dialling.trust(a_task(certificate="ours.pem"))
    assert os.environ["SSL_CERT_FILE"] == "ours.pem"
