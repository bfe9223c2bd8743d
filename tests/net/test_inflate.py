import random
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.errors import ConnectionFailed
from upbit_stream.net.inflate import Inflater, offered

LIMIT = 4 * 1024 * 1024
steady = settings(deadline=None, derandomize=True)
window_bits = st.integers(9, 15)
# Texts that repeat themselves and one another, as the exchange's messages do, beside noise.
pieces = st.sampled_from([b'{"ty":"trade","cd":"KRW-BTC","tp":', b"1234567.0", b'"st":"REALTIME"}', b"\x00" * 300])
texts = st.lists(st.one_of(pieces, st.binary(max_size=40)), max_size=40).map(b"".join)


class Deflater:
    """The exchange's half, by RFC 7692 section 7.2.1."""

    def __init__(self, bits=15, keep_context=True):
        self._bits = bits
        self._keep_context = keep_context
        self._sent = b""
        self._stream = zlib.compressobj(wbits=-bits)

    def deflate(self, plain, *, final_block=False):
        if not self._keep_context:
            self._stream = zlib.compressobj(wbits=-self._bits)
        if final_block:
            message = self._stream.compress(plain) + self._stream.flush(zlib.Z_FINISH) + b"\x00"
            # What follows may refer to what was sent: the window outlives the final block.
            window = (self._sent + plain)[-(2**self._bits) :] if self._keep_context else b""
            self._stream = zlib.compressobj(wbits=-self._bits, zdict=window)
        else:
            message = self._stream.compress(plain) + self._stream.flush(zlib.Z_SYNC_FLUSH)
            assert message.endswith(b"\x00\x00\xff\xff")
            message = message[:-4]
        self._sent = (self._sent + plain)[-(2**15) :]
        return message


def inflater(bits=15, keep_context=True, max_message_bytes=LIMIT):
    return Inflater(window_bits=bits, keep_context=keep_context, max_message_bytes=max_message_bytes)


@steady
@given(window_bits, st.booleans(), st.lists(st.tuples(texts, st.booleans()), max_size=12))
def test_messages_come_out_as_they_went_in(bits, keep_context, messages):
    """With and without context takeover, and with final blocks anywhere (RFC 7692 sections 7.2.3.2 to 7.2.3.5)."""
    server, client = Deflater(bits, keep_context), inflater(bits, keep_context)
    for plain, final_block in messages:
        assert client.inflate(server.deflate(plain, final_block=final_block)) == plain


def test_a_window_of_its_whole_length_is_kept_over_final_blocks():
    """Each message repeats noise from as far back as the window reaches, over several messages."""
    noise = random.Random(1).randbytes(2**15 - 300)
    server, client = Deflater(), inflater()
    parts = [noise[start : start + 5_000] for start in range(0, len(noise), 5_000)]
    for part in parts:
        assert client.inflate(server.deflate(part, final_block=True)) == part
    again = server.deflate(noise[:200])
    assert len(again) < 50  # it does refer back
    assert client.inflate(again) == noise[:200]


def test_the_example_of_the_rfc_with_a_final_block():
    """RFC 7692 section 7.2.3.4."""
    client = inflater()
    assert client.inflate(bytes.fromhex("f3 48 cd c9 c9 07 00 00")) == b"Hello"
    assert client.inflate(bytes.fromhex("f2 48 cd c9 c9 07 00")) == b"Hello"
    assert client.inflate(bytes.fromhex("f2 00 11 00 00")) == b"Hello"


def test_the_example_of_the_rfc_with_two_blocks_in_one_message():
    """RFC 7692 section 7.2.3.5."""
    assert inflater().inflate(bytes.fromhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")) == b"Hello"


def test_several_final_blocks_in_one_message():
    message = b"".join(Deflater(keep_context=False).deflate(part, final_block=True)[:-1] for part in (b"Hel", b"lo"))
    client = inflater()
    assert client.inflate(message + b"\x00") == b"Hello"
    assert client.inflate(Deflater().deflate(b"again")) == b"again"


def test_a_final_block_without_the_padding_that_the_rfc_asks_for():
    client = inflater()
    assert client.inflate(Deflater().deflate(b"Hello", final_block=True)[:-1]) == b"Hello"
    assert client.inflate(Deflater().deflate(b"again")) == b"again"


@steady
@given(texts.filter(bool), st.integers(-2, 2), st.booleans())
def test_the_bound_is_exact(plain, difference, final_block):
    client = inflater(max_message_bytes=max(1, len(plain) + difference))
    message = Deflater().deflate(plain, final_block=final_block)
    if len(plain) > max(1, len(plain) + difference):
        with pytest.raises(ValueError, match="inflates to more than"):
            client.inflate(message)
    else:
        assert client.inflate(message) == plain


@pytest.mark.parametrize("final_block", [False, True])
def test_a_bomb_is_not_unpacked(final_block):
    bomb = Deflater().deflate(b"\x00" * 64 * 1024 * 1024, final_block=final_block)
    assert len(bomb) < 100_000
    client = inflater(max_message_bytes=100_000)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="inflates to more than 100000 bytes"):
            client.inflate(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_many_small_final_blocks_count_together_for_the_bound():
    block = Deflater(keep_context=False).deflate(b"x" * 1_000, final_block=True)[:-1]
    with pytest.raises(ValueError, match="inflates to more than"):
        inflater(max_message_bytes=10_000).inflate(block * 11 + b"\x00")
    assert len(inflater(max_message_bytes=10_000).inflate(block * 10 + b"\x00")) == 10_000


def test_final_blocks_without_end_are_not_followed():
    with pytest.raises(ValueError, match="more than 100 final blocks"):
        inflater().inflate(b"\x03\x00" * 1_000_000)


def test_what_is_kept_for_the_window_is_bounded():
    server, client = Deflater(), inflater()
    tracemalloc.start()
    try:
        for number in range(300):
            client.inflate(server.deflate(b"%d" % number * 4_000))
            client.inflate(server.deflate(b""))
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("broken", [b"\xff", b"\x07\x00", b"\xff" * 100, b"not deflated at all"])
def test_a_broken_stream_is_a_value_error(broken):
    with pytest.raises(ValueError, match="a compressed message is broken"):
        inflater().inflate(broken)


@steady
@given(st.binary(max_size=200), st.booleans())
def test_whatever_comes_there_is_a_message_or_a_value_error(message, keep_context):
    client = inflater(keep_context=keep_context, max_message_bytes=10_000)
    for _ in range(2):
        try:
            assert len(client.inflate(message)) <= 10_000
        except ValueError:
            return


def test_without_context_a_message_that_refers_to_an_earlier_one_is_broken():
    server, client = Deflater(), inflater(keep_context=False)
    noise = random.Random(1).randbytes(500)
    assert client.inflate(server.deflate(noise)) == noise
    with pytest.raises(ValueError, match="broken"):
        client.inflate(server.deflate(noise))


def test_an_empty_message():
    server, client = Deflater(), inflater()
    assert [client.inflate(server.deflate(b"")) for _ in range(3)] == [b""] * 3
    assert client.inflate(b"\x00") == b""  # RFC 7692 section 7.2.3.6


def negotiated(accepted, asked=True):
    return Inflater.negotiated(accepted, asked, LIMIT)


@pytest.mark.parametrize("accepted", ["", "  "])
@pytest.mark.parametrize("asked", [False, True])
def test_a_server_may_decline(accepted, asked):
    assert negotiated(accepted, asked) is None


@pytest.mark.parametrize(
    ("accepted", "bits", "keep_context"),
    [
        ("permessage-deflate", 15, True),
        ("permessage-deflate; server_no_context_takeover", 15, False),
        ("permessage-deflate;server_max_window_bits=10", 10, True),
        ('permessage-deflate; server_max_window_bits="9" ; client_max_window_bits=12', 9, True),
        (
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover; server_max_window_bits=12",
            12,
            False,
        ),
        ("permessage-deflate; client_max_window_bits=9", 15, True),
    ],
)
def test_what_the_server_accepted_is_kept(accepted, bits, keep_context):
    client = negotiated(accepted)
    assert client is not None
    server = Deflater(bits, keep_context)
    for plain in (b"Hello, hello, hello", b"hello again", b"hello again"):
        assert client.inflate(server.deflate(plain)) == plain


def test_a_small_window_is_read_also_from_servers_that_use_the_next_larger():
    """zlib cannot deflate with 8 bits and takes 9 instead, and so do servers that are built on it."""
    client = negotiated("permessage-deflate; server_max_window_bits=8")
    noise = random.Random(1).randbytes(500)
    server = Deflater(9)
    assert [client.inflate(server.deflate(noise)) for _ in range(2)] == [noise] * 2


@pytest.mark.parametrize(
    "accepted",
    [
        "x-webkit-deflate-frame",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=0",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=twelve",
        "permessage-deflate; no_such_parameter",
        "permessage-bzip2; server_no_context_takeover",
    ],
)
def test_what_was_not_asked_for_or_makes_no_sense_fails_the_connection(accepted):
    with pytest.raises(ConnectionFailed, match="extension"):
        negotiated(accepted)


def test_an_extension_without_having_asked_fails_the_connection():
    with pytest.raises(ConnectionFailed, match="not asked for"):
        negotiated("permessage-deflate", asked=False)


def test_the_offer_names_the_extension():
    assert offered().split(";")[0] == "permessage-deflate"
