"""The server's side of a connection, spoken to byte by byte."""

import base64
import hashlib
import json
import socket
import threading

import pytest
from bench.loads import plain_frame
from bench.served import Served

KEY = base64.b64encode(b"sixteen bytes ..").decode()
UPGRADE = f"GET /websocket/v1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {KEY}\r\n"
MASK = b"\x01\x02\x03\x04"


def masked(payload: bytes, kind: int = 1) -> bytes:
    body = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | kind]) + size + MASK + body


class Client:
    """The other end, and the server in a thread."""

    def __init__(self, sender=lambda served: served.send(plain_frame(b"data")), **options) -> None:
        self.end, theirs = socket.socketpair()
        self.end.settimeout(10)
        self.served = Served(theirs, **options)
        self.thread = threading.Thread(target=self.served.serve, args=(sender,), daemon=True)
        self.thread.start()

    def upgraded(self, more: str = "") -> "Client":
        self.end.sendall(f"{UPGRADE}{more}\r\n".encode())
        self.head = self.until(b"\r\n\r\n")
        return self

    def until(self, end: bytes) -> bytes:
        found = b""
        while not found.endswith(end):
            found += self.end.recv(1)
        return found

    def frame(self) -> bytes:
        self.kind, size = self.end.recv(2)
        assert size < 127
        if size == 126:
            size = int.from_bytes(self.end.recv(2), "big")
        return self.end.recv(size, socket.MSG_WAITALL)

    def ask(self, *parts: dict) -> None:
        self.end.sendall(masked(json.dumps([{"ticket": "t"}, *parts]).encode()))

    def left(self) -> bool:
        self.end.close()
        self.thread.join(10)
        return not self.thread.is_alive()


@pytest.fixture
def client():
    made = Client().upgraded()
    yield made
    assert made.left()


def test_the_upgrade_is_accepted_as_rfc_6455_says(client):
    proof = f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()
    accepted = base64.b64encode(hashlib.sha1(proof, usedforsecurity=False).digest())
    assert client.head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: " + accepted in client.head


def test_a_subscription_starts_the_sender(client):
    client.ask({"type": "trade", "codes": ["KRW-BTC"]}, {"format": "SIMPLE"})
    assert client.frame() == b"data"
    assert client.served.codes == ["KRW-BTC"]


def test_who_asks_what_is_registered_gets_the_answer_before_the_data(client):
    client.ask({"type": "trade", "codes": ["KRW-BTC"]}, {"type": "orderbook", "codes": ["KRW-BTC.15"]})
    client.ask({"method": "LIST_SUBSCRIPTIONS"})
    assert json.loads(client.frame()) == {
        "method": "LIST_SUBSCRIPTIONS",
        "result": [{"type": "trade", "codes": ["KRW-BTC"]}, {"type": "orderbook", "codes": ["KRW-BTC.15"]}],
        "ticket": "t",
    }
    assert client.frame() == b"data"
    assert client.served.codes == ["KRW-BTC"]


def test_the_answer_is_short_where_the_format_is(client):
    client.ask({"type": "trade", "codes": ["KRW-BTC"]}, {"format": "SIMPLE"})
    client.ask({"method": "LIST_SUBSCRIPTIONS"}, {"format": "SIMPLE"})
    assert json.loads(client.frame()) == {
        "mthd": "LIST_SUBSCRIPTIONS",
        "rslt": [{"ty": "trade", "cds": ["KRW-BTC"]}],
        "tckt": "t",
    }


def test_pings_of_both_kinds_are_answered(client):
    client.end.sendall(masked(b"are you there", 9))
    assert client.frame() == b"are you there"
    assert client.kind == 0x8A
    client.end.sendall(masked(b"PING"))
    assert json.loads(client.frame()) == {"status": "UP"}


def test_a_ping_is_answered_between_the_pieces_of_a_sender():
    go_on = threading.Event()

    def two_pieces(served: Served) -> None:
        served.send(plain_frame(b"first"))
        assert go_on.wait(10)
        served.attend()
        served.send(plain_frame(b"second"))

    client = Client(two_pieces).upgraded()
    client.ask({"type": "trade", "codes": ["KRW-BTC"]})
    assert client.frame() == b"first"
    client.end.sendall(masked(b"still?", 9))
    go_on.set()
    assert [client.frame(), client.frame()] == [b"still?", b"second"]
    assert client.left()


def test_a_close_is_answered_and_ends_it(client):
    client.end.sendall(masked((1000).to_bytes(2, "big"), 8))
    assert client.frame() == (1000).to_bytes(2, "big")
    assert client.end.recv(1) == b""


def test_a_client_that_leaves_while_it_is_sent_to_is_let_go():
    def endless(served: Served) -> None:
        while True:
            served.send(bytes(65_536))

    client = Client(endless).upgraded()
    client.ask({"type": "trade", "codes": ["KRW-BTC"]})
    assert client.end.recv(1)
    assert client.left()


def test_what_is_no_upgrade_is_answered_as_rest_with_nothing_in_it():
    client = Client()
    client.end.sendall(b"GET /v1/market/all HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.until(b"[]").startswith(b"HTTP/1.1 200 ")
    assert client.left()


def test_compression_is_agreed_to_with_the_window_kept():
    client = Client(deflate=True).upgraded("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
    assert b"Sec-WebSocket-Extensions: permessage-deflate\r\n" in client.head
    assert client.left()


@pytest.mark.parametrize("offer", ["", "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"])
def test_who_cannot_read_what_was_compressed_beforehand_is_refused(offer):
    client = Client(deflate=True).upgraded(offer)
    assert client.head.startswith(b"HTTP/1.1 400 ")
    assert client.left()
