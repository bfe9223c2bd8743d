"""The error tree is the one that its module draws, and every error can be copied, pickled and read."""

import copy
import inspect
import pickle
import re

import pytest

import upbit_stream
from upbit_stream import errors


def drawn() -> dict[str, str]:
    """The tree in the docstring: each error with its parent."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"^[ │├└─]*(?=[A-Z]\w+( |$))", line):
            name = line[found.end() :].split()[0]
            if found.end() < 4 or not hasattr(errors, name):
                continue
            above = [(indent, parent) for indent, parent in above if indent < found.end()]
            parents[name] = above[-1][1] if above else "Exception"
            above.append((found.end(), name))
    return parents


def real() -> dict[str, str]:
    members = inspect.getmembers(errors, lambda it: inspect.isclass(it) and it.__module__ == errors.__name__)
    return {name: member.__bases__[0].__name__ for name, member in members}


def test_the_tree_is_the_one_that_is_drawn():
    assert drawn() == real()
    assert "MalformedMessage" in drawn()


def test_every_error_has_one_base_and_says_what_it_means():
    for name in real():
        error = getattr(errors, name)
        assert issubclass(error, errors.UpbitStreamError)
        assert error.__doc__


def test_the_callers_mistakes_are_value_errors_and_nothing_else_is():
    of_value = {name for name in real() if issubclass(getattr(errors, name), ValueError)}
    assert of_value == {"UsageError", "InvalidSubscription", "InsecureConnection"}


def test_the_package_shows_every_error():
    missing = [name for name in real() if getattr(upbit_stream, name, None) is not getattr(errors, name)]
    assert missing == []


def pickled(error: Exception) -> Exception:
    found: Exception = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    return found


WITH_ATTRIBUTES = {"SubscriptionRejected", "AuthenticationError", "HandshakeRefused", "RequestFailed"}
MADE = [
    (
        errors.SubscriptionRejected("INVALID_PARAM", "no such level"),
        "the exchange refused the subscription: INVALID_PARAM: no such level",
        {"name": "INVALID_PARAM", "detail": "no such level"},
    ),
    (
        errors.AuthenticationError("nonce_used", "used", status=401),
        "the exchange refused the credentials (HTTP 401): nonce_used: used",
        {"name": "nonce_used", "detail": "used", "status": 401},
    ),
    (
        errors.AuthenticationError("INVALID_AUTH", "bad"),
        "the exchange refused the credentials: INVALID_AUTH: bad",
        {"name": "INVALID_AUTH", "detail": "bad", "status": None},
    ),
    (
        errors.HandshakeRefused(429, name="too_many", detail="slow down", retry_after_s=1.5),
        "the exchange refused the connection: HTTP 429: too_many: slow down",
        {"status": 429, "name": "too_many", "detail": "slow down", "retry_after_s": 1.5},
    ),
    (
        errors.HandshakeRefused(503),
        "the exchange refused the connection: HTTP 503",
        {"status": 503, "name": "", "detail": "", "retry_after_s": None},
    ),
    (
        errors.HandshakeRefused(404, detail="nothing here"),
        "the exchange refused the connection: HTTP 404: nothing here",
        {"status": 404, "name": "", "detail": "nothing here", "retry_after_s": None},
    ),
    (
        errors.RequestFailed("no answer", status=500, is_final=True),
        "no answer",
        {"status": 500, "is_final": True},
    ),
    *((getattr(errors, name)("text"), "text", {}) for name in sorted(set(real()) - WITH_ATTRIBUTES)),
]


@pytest.mark.parametrize(("error", "text", "attributes"), MADE)
@pytest.mark.parametrize("through", [lambda it: it, copy.copy, copy.deepcopy, pickled])
def test_text_and_attributes_survive_copies_and_processes(error, text, attributes, through):
    found = through(error)
    assert type(found) is type(error)
    assert str(found) == text
    assert vars(found) == attributes
    assert repr(found) == repr(error)


def test_notes_survive_too():
    error = errors.SubscriptionRejected("A", "b")
    error.add_note("while opening")
    assert pickled(error).__notes__ == ["while opening"]
