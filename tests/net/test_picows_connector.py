"""The connector on real sockets: messages, control frames, closing, compression."""

from __future__ import annotations

import asyncio
import random
import struct
import zlib
from typing import Any

import pytest
from tests.net.peer import MESSAGE, Heard, Peer, until_closed, with_server


def test_binary_and_text_messages_short_and_long() -> None:
    payloads = [b"{}", MESSAGE, b"[" + MESSAGE * 1000 + b"]", b'{"status":"UP"}']

    async def serve(peer: Peer) -> None:
        await peer.accept()
        for payload in payloads:
            peer.frame(2, payload)
            peer.frame(1, payload)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.until(lambda: len(heard.messages) == 8)
        assert heard.messages == [payload for payload in payloads for _ in range(2)]

    with_server(serve, body)


def test_fragments_are_joined_also_around_control_frames() -> None:
    async def serve(peer: Peer) -> None:
        await peer.accept()
        peer.frame(2, MESSAGE)
        peer.frame(2, MESSAGE[:200], fin=False)
        peer.frame(9, b"are you there")
        peer.frame(0, MESSAGE[200:210], fin=False)
        peer.frame(10, b"unasked")
        peer.frame(0, MESSAGE[210:])
        peer.frame(2, b"", fin=False)
        peer.frame(0, MESSAGE)  # a continuation longer than any control frame
        peer.frame(2, MESSAGE)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.until(lambda: len(heard.messages) == 4)
        assert heard.messages == [MESSAGE] * 4
        assert heard.pongs == 1

    with_server(serve, body)


def test_pings_are_answered_and_pongs_are_told() -> None:
    answered: list[tuple[int, bytes]] = []

    async def serve(peer: Peer) -> None:
        await peer.accept()
        peer.frame(9, b"hello")
        answered.append(await peer.read_frame())
        opcode, payload = await peer.read_frame()
        answered.append((opcode, payload))
        peer.frame(10, payload)
        await until_closed(peer)

    async def body(connection: Any, heard: Heard) -> None:
        await asyncio.sleep(0)
        connection.ping()
        await heard.until(lambda: heard.pongs == 1)

    with_server(serve, body)
    assert sorted(opcode for opcode, _ in answered) == [9, 10]
    assert (10, b"hello") in answered


@pytest.mark.parametrize(("code", "words"), [(1000, "1000 (bye)"), (1001, "1001"), (1013, "1013"), (4000, "4000")])
def test_a_close_is_answered_and_told(code: int, words: str) -> None:
    answers: list[tuple[int, bytes]] = []

    async def serve(peer: Peer) -> None:
        await peer.accept()
        peer.frame(8, struct.pack("!H", code) + (b"bye" if code == 1000 else b""))
        answers.append(await peer.read_frame())

    async def body(_: Any, heard: Heard) -> None:
        await heard.over.wait()
        assert words in heard.reason

    with_server(serve, body)
    assert answers[0][0] == 8
    assert answers[0][1][:2] == struct.pack("!H", code)


def test_a_connection_that_just_ends_is_told() -> None:
    async def serve(peer: Peer) -> None:
        await peer.accept()
        peer.frame(2, MESSAGE[:50])
        await peer.writer.drain()
        peer.writer.transport.abort()

    async def body(_: Any, heard: Heard) -> None:
        await heard.over.wait()
        assert "without a closing handshake" in heard.reason

    with_server(serve, body)


def test_closing_does_the_handshake_and_is_bounded_where_the_peer_does_not() -> None:
    async def mute(peer: Peer) -> None:
        await peer.accept()
        await peer.reader.read()  # reads everything, answers nothing

    async def body(connection: Any, heard: Heard) -> None:
        await connection.close()
        assert heard.over.is_set()
        connection.send_text(b"too late")  # does nothing
        connection.ping()
        connection.pause_reading()

    with_server(mute, body)


@pytest.mark.parametrize("split", [1, 3])
def test_a_message_over_the_bound_ends_the_connection(split: int) -> None:
    async def serve(peer: Peer) -> None:
        await peer.accept()
        big = b"x" * 5000
        size = len(big) // split
        for n in range(split):
            last = n == split - 1
            peer.frame(2 if n == 0 else 0, big[n * size : None if last else (n + 1) * size], fin=last)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.over.wait()
        assert heard.messages == []

    with_server(serve, body, max_message_bytes=4096)


def test_the_upgrade_request_is_what_the_exchange_wants() -> None:
    requests: list[bytes] = []

    async def serve(peer: Peer) -> None:
        await peer.accept()
        requests.append(peer.request)
        await until_closed(peer)

    async def body(_: Any, __: Heard) -> None:
        return

    with_server(serve, body)
    lines = requests[0].lower().split(b"\r\n")
    assert lines[0] == b"get /websocket/v1 http/1.1"
    names = [line.split(b":")[0] for line in lines[1:]]
    assert b"origin" not in names
    assert b"sec-websocket-extensions" not in names
    assert b"x-test" in names
    assert names.count(b"host") == 1


@pytest.mark.parametrize("takeover", [True, False])
def test_compressed_messages(takeover: bool) -> None:
    rng = random.Random(1)
    payloads = [MESSAGE + bytes(rng.choices(b"abcdef", k=rng.randrange(2000))) for _ in range(50)]

    async def serve(peer: Peer) -> None:
        extra = b"" if takeover else b"; server_no_context_takeover"
        await peer.accept(b"Sec-WebSocket-Extensions: permessage-deflate" + extra)
        assert b"permessage-deflate" in peer.request
        deflate = zlib.compressobj(wbits=-15)
        for n, payload in enumerate(payloads):
            if not takeover:
                deflate = zlib.compressobj(wbits=-15)
            if n % 7 == 0:
                peer.frame(1, payload)  # a server may leave a message as it is
                continue
            packed = (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
            if n % 5 == 0:
                peer.frame(2, packed[:10], fin=False, rsv1=True)
                peer.frame(0, packed[10:])
            else:
                peer.frame(2, packed, rsv1=True)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.until(lambda: heard.messages and heard.messages[-1] == payloads[-1])
        assert heard.messages == payloads

    with_server(serve, body, compression=True)


def test_a_compressed_bomb_ends_the_connection() -> None:
    async def serve(peer: Peer) -> None:
        await peer.accept(b"Sec-WebSocket-Extensions: permessage-deflate")
        deflate = zlib.compressobj(9, wbits=-15)
        peer.frame(2, (deflate.compress(bytes(50_000_000)) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4], rsv1=True)
        await until_closed(peer)

    async def body(_: Any, heard: Heard) -> None:
        await heard.over.wait()
        assert "inflates to more than" in heard.reason
        assert heard.messages == []

    with_server(serve, body, compression=True)
