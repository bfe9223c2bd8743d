"""The blaster: what it builds beforehand, and its certificate."""

import ssl
from typing import cast

import pytest
from bench.blaster import flat_out, prepared, server_tls
from bench.certificate import made_in
from bench.loads import CHUNK
from bench.served import Served

from bench import blaster


def test_what_is_sent_is_built_once():
    make = prepared({"load": "A", "messages": 3 * CHUNK})
    first, second = list(make()), list(make())
    assert len(first) == 3
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_what_would_be_too_much_is_made_while_it_is_sent(monkeypatch):
    monkeypatch.setattr(blaster, "MOST_BUILT_BYTES", 500_000)
    make = prepared({"load": "A", "messages": 3 * CHUNK})
    first, second = list(make()), list(make())
    assert len(first) == len(second) == 3
    assert first[0] is not second[0]


def test_pieces_that_repeat_count_once(monkeypatch):
    monkeypatch.setattr(blaster, "MOST_BUILT_BYTES", 4_000_000)  # one piece of load B has 2.8 MB
    make = prepared({"load": "B", "messages": 50 * CHUNK})
    assert next(iter(make())) is next(iter(make()))


def test_flat_out_sends_everything_and_attends_to_the_client_between():
    did: list[object] = []

    class Client:
        send = staticmethod(did.append)
        attend = staticmethod(lambda: did.append("attends"))

    flat_out(lambda: [b"one", b"two"])(cast("Served", Client()))
    assert did == [b"one", "attends", b"two", "attends"]


def test_without_a_certificate_there_is_no_tls():
    assert server_tls({"load": "A"}) is None


def test_the_certificate_is_trusted_by_who_trusts_its_authority(tmp_path):
    pytest.importorskip("trustme", reason="only the environment of the benchmark has it")
    made = made_in(tmp_path)
    server = server_tls({"certificate": made.chain, "key": made.key})
    client = ssl.create_default_context(cafile=made.authority)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ours.getpeercert()["subjectAltName"]
