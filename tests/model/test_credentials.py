"""Credentials are not shown, not changed, and not made by halves."""

import copy
import logging
import pickle
import pprint
import traceback

import pytest

from upbit_stream.errors import UsageError
from upbit_stream.model.credentials import Credentials

ACCESS, SECRET = "access-4711", "s3cret-0815"


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(ACCESS, SECRET)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        ascii,
        pprint.pformat,
        "{}".format,
        "{!r:>60}".format,
        "%s %%".__mod__,
        lambda it: f"{it}",
        lambda it: repr([it, {"x": it}]),
        lambda it: repr(copy.deepcopy(it)),
    ],
)
def test_no_way_of_showing_them_tells_them(credentials, show):
    shown = show(credentials)
    assert "***" in shown
    assert ACCESS not in shown
    assert SECRET not in shown


def test_neither_log_nor_traceback_nor_vars_tell_them(credentials, caplog):
    error = UsageError("no", credentials)
    logging.getLogger("x").warning("with %s", credentials, exc_info=error)
    told = caplog.text + "".join(traceback.format_exception(error)) + repr(error)
    with pytest.raises(TypeError):
        vars(credentials)
    assert "***" in told
    assert ACCESS not in told
    assert SECRET not in told


def test_they_can_be_read_and_not_set(credentials):
    assert (credentials.access_key, credentials.secret_key) == (ACCESS, SECRET)
    for name in ("access_key", "secret_key", "other"):
        with pytest.raises(AttributeError):
            setattr(credentials, name, "x")
        with pytest.raises(AttributeError):
            delattr(credentials, name)
    assert (credentials.access_key, credentials.secret_key) == (ACCESS, SECRET)


def test_equal_ones_have_one_hash(credentials):
    assert credentials == Credentials(ACCESS, SECRET)
    assert len({credentials, Credentials(ACCESS, SECRET), pickle.loads(pickle.dumps(credentials))}) == 1  # noqa: S301
    assert credentials != Credentials(ACCESS, "other")
    assert credentials != Credentials("other", SECRET)
    assert credentials != (ACCESS, SECRET)


@pytest.mark.parametrize(("access_key", "secret_key"), [("", SECRET), (ACCESS, ""), ("", ""), (None, SECRET)])
def test_both_halves_are_needed(access_key, secret_key):
    with pytest.raises(UsageError, match="one of them is empty") as raised:
        Credentials(access_key, secret_key)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("key", [b"s3cret-0815", 815, ["s3cret-0815"], "s3cret-0815\udcff"])
@pytest.mark.parametrize("half", ["access_key", "secret_key"])
def test_a_key_that_no_token_can_hold_is_refused_and_not_shown(half, key):
    with pytest.raises(UsageError, match=f"the {half} is no text") as raised:
        Credentials(**{"access_key": ACCESS, "secret_key": SECRET, half: key})
    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value.__context__)
    assert "815" not in told


def test_they_come_from_the_environment(monkeypatch):
    variables = {"UPBIT_ACCESS_KEY": ACCESS, "UPBIT_SECRET_KEY": SECRET}
    assert Credentials.from_env(variables) == Credentials(ACCESS, SECRET)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Credentials.from_env() == Credentials(ACCESS, SECRET)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "set the environment variables UPBIT_ACCESS_KEY and UPBIT_SECRET_KEY"),
        ({"UPBIT_ACCESS_KEY": ACCESS}, "set the environment variable UPBIT_SECRET_KEY"),
        ({"UPBIT_SECRET_KEY": SECRET, "UPBIT_ACCESS_KEY": ""}, "set the environment variable UPBIT_ACCESS_KEY"),
    ],
)
def test_what_the_environment_lacks_is_named(variables, told, monkeypatch):
    with pytest.raises(UsageError) as raised:
        Credentials.from_env(variables)
    assert str(raised.value) == f"no credentials: {told}"
    for name in ("UPBIT_ACCESS_KEY", "UPBIT_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    if not variables:
        with pytest.raises(UsageError, match=told):
            Credentials.from_env()
