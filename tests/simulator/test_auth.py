import base64
import json

import jwt
import pytest

from upbit_stream.simulator.auth import AuthRefusedError, Gatekeeper

SECRET = "a secret that is no base64, with % and + and / in it: 0123456789"
KEYS = {"access": SECRET, "other": SECRET[::-1]}


def bearer(claims: dict, secret: str = SECRET, algorithm: str = "HS512") -> str:
    return "Bearer " + jwt.encode(claims, secret, algorithm=algorithm)


def refused(header: str | None, gatekeeper: Gatekeeper | None = None) -> str:
    with pytest.raises(AuthRefusedError) as caught:
        (gatekeeper or Gatekeeper(KEYS)).account(header, required=True)
    assert SECRET not in str(caught.value)
    return caught.value.name


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_a_good_token_names_its_account(algorithm: str) -> None:
    header = bearer({"access_key": "access", "nonce": "n"}, algorithm=algorithm)
    assert Gatekeeper(KEYS).account(header, required=True) == "access"


def test_no_token_is_fine_where_none_is_required() -> None:
    assert Gatekeeper(KEYS).account(None, required=False) is None
    assert refused(None) == "no_authorization_token"


def test_a_nonce_serves_once_for_each_account() -> None:
    gatekeeper = Gatekeeper(KEYS)
    header = bearer({"access_key": "access", "nonce": "n"})
    assert gatekeeper.account(header, required=True) == "access"
    assert refused(header, gatekeeper) == "nonce_used"
    assert refused(bearer({"access_key": "access", "nonce": "n"}, algorithm="HS256"), gatekeeper) == "nonce_used"
    other = bearer({"access_key": "other", "nonce": "n"}, SECRET[::-1])
    assert gatekeeper.account(other, required=True) == "other"


def test_a_bad_signature_uses_no_nonce_up() -> None:
    gatekeeper = Gatekeeper(KEYS)
    assert refused(bearer({"access_key": "access", "nonce": "n"}, "x" * 64), gatekeeper) == "jwt_verification"
    assert gatekeeper.account(bearer({"access_key": "access", "nonce": "n"}), required=True) == "access"


def unsigned(header: dict) -> str:
    parts = (header, {"access_key": "access", "nonce": "n"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return "Bearer " + ".".join([*encoded, ""])


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (bearer({"access_key": "access", "nonce": "n"}, "x" * 64), "jwt_verification"),
        (bearer({"access_key": "access", "nonce": "n"}, algorithm="HS384"), "jwt_verification"),
        (unsigned({"alg": "none"}), "jwt_verification"),
        (unsigned({"alg": "HS512"}), "jwt_verification"),
        ("Bearer not.a.token!", "jwt_verification"),
        ("Bearer abc", "jwt_verification"),
        ("Bearer é.é.é", "jwt_verification"),
        ("Basic abc", "no_authorization_token"),
        ("Bearer ", "no_authorization_token"),
        (bearer({"access_key": "nobody", "nonce": "n"}), "invalid_access_key"),
        (bearer({"access_key": "access"}), "invalid_query_payload"),
        (bearer({"access_key": "access", "nonce": ""}), "invalid_query_payload"),
        (bearer({"access_key": "access", "nonce": 1}), "invalid_query_payload"),
        (bearer({"nonce": "n"}), "invalid_query_payload"),
    ],
)
def test_each_refusal_has_its_name(header: str, name: str) -> None:
    assert refused(header) == name
