import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.errors import AuthenticationError, HandshakeRefused
from upbit_stream.session.refusal import LONGEST_BLOCK_S, NEXT_SECOND_S, Refusals, fatal


def pause_s(refusals, status, retry_after_s=None):
    return refusals.pause_s(HandshakeRefused(status, retry_after_s=retry_after_s))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_end_it_and_the_reason_is_told(status):
    refusal = HandshakeRefused(status, name="no_authorization_ip", detail="This is not a verified IP.")
    with pytest.raises(AuthenticationError, match=f"HTTP {status}.*no_authorization_ip.*not a verified IP") as caught:
        Refusals().pause_s(refusal)
    assert (caught.value.name, caught.value.status) == ("no_authorization_ip", status)
    assert caught.value.detail == "This is not a verified IP."
    assert caught.value.__cause__ is refusal


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_without_a_reason_names_at_least_the_status(status):
    with pytest.raises(AuthenticationError, match="gave no reason") as caught:
        pause_s(Refusals(), status)
    assert caught.value.name == f"HTTP {status}"


def test_over_the_limit_means_to_wait_for_the_next_second():
    assert pause_s(Refusals(), 429) == NEXT_SECOND_S
    assert NEXT_SECOND_S >= 1


@given(st.floats(0, 1e6))
def test_a_told_time_is_waited_for(told):
    assert pause_s(Refusals(), 429, told) == max(told, NEXT_SECOND_S)
    assert told + 1 <= pause_s(Refusals(), 418, told) <= told + 2


def test_blocks_that_tell_no_time_are_taken_to_grow_to_a_bound():
    refusals = Refusals()
    guessed = [pause_s(refusals, 418) - NEXT_SECOND_S for _ in range(9)]
    assert guessed == pytest.approx([60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600])
    assert LONGEST_BLOCK_S == 3_600


def test_thousands_of_blocks_do_not_overflow():
    refusals = Refusals()
    assert max(pause_s(refusals, 418) for _ in range(3_000)) == LONGEST_BLOCK_S + NEXT_SECOND_S


def test_a_block_that_told_its_time_counts_for_the_next_that_does_not():
    refusals = Refusals()
    pause_s(refusals, 418, 30)
    assert pause_s(refusals, 418) == pytest.approx(120 + NEXT_SECOND_S)


def test_other_refusals_between_do_not_end_the_row():
    refusals = Refusals()
    assert [pause_s(refusals, status) for status in (418, 429, 503, 418)][-1] == pytest.approx(120 + NEXT_SECOND_S)


def test_a_connection_ends_the_row():
    refusals = Refusals()
    for _ in range(5):
        pause_s(refusals, 418)
    refusals.connected()
    assert pause_s(refusals, 418) == pytest.approx(60 + NEXT_SECOND_S)


@pytest.mark.parametrize("status", [400, 404, 500, 502, 503, 504, 200, 302])
def test_for_anything_else_the_backoff_alone_decides(status):
    assert pause_s(Refusals(), status) == 0


def test_only_refused_credentials_are_fatal_on_an_open_connection():
    error = fatal("INVALID_AUTH", "the key has expired")
    assert isinstance(error, AuthenticationError)
    assert (error.name, error.detail, error.status) == ("INVALID_AUTH", "the key has expired", None)
    names = ("WRONG_FORMAT", "NO_TICKET", "NO_TYPE", "NO_CODES", "INVALID_PARAM", "TOO_MANY_REQUEST", "", "new one")
    assert not any(fatal(name, "") for name in names)
