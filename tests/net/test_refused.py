"""Reading the answer to a refused upgrade."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.errors import HandshakeRefused
from upbit_stream.net.refused import refused

TIMES = [
    ("blocked for 70 seconds", 70.0),
    ("try again in 5s", 5.0),
    ("5 min left", 300.0),
    ("2 hours", 7200.0),
    ("30초 후에", 30.0),
    ("10분", 600.0),
    ("1500 ms", 1.5),
    ("no time at all", None),
    ("error 418 I'm a teapot", None),
]


def test_the_time_is_read_from_the_words() -> None:
    for words, seconds in TIMES:
        body = b'{"error":{"name":"blocked","message":"%s"}}' % words.encode()
        assert refused(418, {}, body).retry_after_s == seconds, words


def test_the_header_wins_whatever_its_case() -> None:
    for name in ("Retry-After", "retry-after", "RETRY-AFTER"):
        assert refused(418, {name: " 12 "}, b"in 99 seconds").retry_after_s == 12.0


def test_an_absurd_time_is_bounded() -> None:
    assert refused(418, {"Retry-After": "9" * 500}, b"").retry_after_s == 7 * 86_400
    assert refused(418, {}, b"in 999999999 hours").retry_after_s == 7 * 86_400


@given(st.integers(100, 999), st.dictionaries(st.text(), st.text()), st.binary(max_size=500))
def test_no_answer_is_too_strange(status: int, headers: dict[str, str], body: bytes) -> None:
    refusal = refused(status, headers, body)
    assert type(refusal) is HandshakeRefused
    assert refusal.status == status
    assert refusal.retry_after_s is None or refusal.retry_after_s >= 0
