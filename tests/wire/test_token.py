"""Tokens, checked by a JWT package of another make."""

import base64
import json
import string
import warnings
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.model.credentials import Credentials
from upbit_stream.wire.token import authorization

steady = settings(derandomize=True, deadline=None)  # the same inputs every time, on any machine

URL_SAFE = {*string.ascii_letters, *string.digits, "-", "_"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


def read(header: str, secret: str) -> dict[str, Any]:
    scheme, _, token = header.partition(" ")
    assert scheme == "Bearer"
    with warnings.catch_warnings(action="ignore", category=jwt.InsecureKeyLengthWarning):
        found: dict[str, Any] = jwt.decode_complete(token, secret, algorithms=["HS512"])
    return found


@steady
@given(TEXT, TEXT, TEXT)
def test_the_token_holds_the_key_and_the_nonce_and_no_more(access_key, secret_key, nonce):
    token = read(authorization(Credentials(access_key, secret_key), nonce), secret_key)
    assert token["header"] == {"alg": "HS512", "typ": "JWT"}
    assert token["payload"] == {"access_key": access_key, "nonce": nonce}


def test_the_secret_is_used_as_it_is_and_not_base64_decoded():
    secret = base64.b64encode(b"0123456789" * 7).decode()
    header = authorization(Credentials("a", secret), "n")
    assert read(header, secret)["payload"]["nonce"] == "n"
    with pytest.raises(jwt.InvalidSignatureError):
        read(header, base64.b64decode(secret).decode())


def test_the_secret_is_not_in_the_token():
    header = authorization(Credentials("access", "the-secret"), "n")
    for part in header.removeprefix("Bearer ").split(".")[:2]:
        assert b"the-secret" not in base64.urlsafe_b64decode(part + "==")


@steady
@given(TEXT)
def test_the_form_is_the_compact_one(nonce):
    parts = authorization(Credentials("a", "s"), nonce).removeprefix("Bearer ").split(".")
    assert len(parts) == 3
    assert all(part and set(part) <= URL_SAFE for part in parts)
    assert json.loads(base64.urlsafe_b64decode(parts[0] + "==")) == {"alg": "HS512", "typ": "JWT"}


def test_another_nonce_makes_another_token():
    credentials = Credentials("a", "s")
    assert authorization(credentials, "1") == authorization(credentials, "1") != authorization(credentials, "2")


def test_the_token_of_a_request_vouches_for_its_parameters_as_the_exchanges_own_package_does():
    jwt_auth = pytest.importorskip("upbit.lib.jwt_auth")
    querystring = pytest.importorskip("upbit._qs").Querystring(array_format="brackets")
    asked = {"states": ["wait", "watch"], "limit": 100, "end_time": "1760000000000"}
    secret = "a secret of the length that the exchange's have"
    theirs = jwt.decode(jwt_auth.create_jwt_token("key", secret, asked, querystring), secret, algorithms=["HS256"])
    query = "states[]=wait&states[]=watch&limit=100&end_time=1760000000000"
    ours = read(authorization(Credentials("key", secret), "nonce", query), secret)["payload"]
    assert ours == {**theirs, "nonce": "nonce"}
    assert ours["query_hash_alg"] == "SHA512"
