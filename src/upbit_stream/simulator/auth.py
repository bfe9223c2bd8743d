"""Who is asking: the bearer token of an upgrade request, and the nonces already used.

Owns the check of HS256 and HS512 tokens, by hand on the standard library: the client signs with a JWT
package, and a check by the same package could share its mistakes. Must not know what the account may do.
Never puts a token or a secret into a message.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import deque
from collections.abc import Mapping
from typing import Literal, overload
from urllib.parse import unquote

import msgspec

DEFAULT_ACCESS_KEY = "stand-in-access-key"
DEFAULT_SECRET_KEY = "stand-in-secret-key-for-tests-and-trials-that-opens-no-door-at-all"  # noqa: S105  # no secret
"""The pair known when no keys are given. Long enough (64 bytes and more) for HS512."""

_DIGESTS = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}
_NONCES_KEPT = 100_000


class AuthRefusedError(Exception):
    """A token was refused; ``name`` and ``message`` as in the exchange's REST errors (HTTP 401)."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def _unpadded(part: str) -> bytes:
    if "=" in part:
        raise ValueError("padding has no place in a token")
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _object(part: str) -> dict[str, object]:
    return msgspec.json.decode(_unpadded(part), type=dict[str, object])


def _check_query(payload: Mapping[str, object], query: str) -> None:
    # «SHA512 of the unencoded query string»: decoded, in the order and with the brackets of the request. A plus
    # sign stays one: it is percent-encoding that is undone.
    digest = hashlib.sha512(unquote(query).encode()).hexdigest()
    if payload.get("query_hash") != digest or payload.get("query_hash_alg", "SHA512") != "SHA512":
        raise AuthRefusedError("invalid_query_payload", "The token's query_hash is not that of the parameters.")


class Gatekeeper:
    """Checks tokens against the known keys and remembers each account's used nonces."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = dict(keys)
        self._used: dict[str, set[str]] = {access: set() for access in keys}
        self._order: dict[str, deque[str]] = {access: deque() for access in keys}

    @overload
    def account(self, authorization: str | None, *, required: Literal[True], query: str = ...) -> str: ...

    @overload
    def account(self, authorization: str | None, *, required: bool, query: str = ...) -> str | None: ...

    def account(self, authorization: str | None, *, required: bool, query: str = "") -> str | None:
        """The access key that an ``Authorization`` header proves; None if there is none and none is required.

        ``query`` are the parameters that the token has to vouch for, as they stood in the URL.

        The nonce is used up by any attempt with a good signature, also by one that is then refused over
        the connect budget: the documentation wants a fresh one for every attempt.
        """
        if authorization is None and not required:
            return None
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AuthRefusedError("no_authorization_token", "No bearer token in the Authorization header.")
        access, nonce, payload = self._verified(token.strip())
        self._use(access, nonce)
        if query:
            _check_query(payload, query)
        return access

    def _verified(self, token: str) -> tuple[str, str, Mapping[str, object]]:
        parts = token.split(".")
        try:
            header_part, payload_part, signature_part = parts
            header, payload = _object(header_part), _object(payload_part)
            signature = _unpadded(signature_part)
        except (ValueError, binascii.Error) as problem:
            raise AuthRefusedError("jwt_verification", "The token is not a JWT.") from problem
        access, nonce = payload.get("access_key"), payload.get("nonce")
        if not isinstance(access, str) or not access or not isinstance(nonce, str) or not nonce:
            raise AuthRefusedError("invalid_query_payload", "The payload needs access_key and nonce.")
        secret = self._keys.get(access)
        if secret is None:
            # Not in the documentation's list of names, but what the REST API is known to answer.
            raise AuthRefusedError("invalid_access_key", "The access key is not known.")
        digest = _DIGESTS.get(str(header.get("alg")))
        if digest is None:
            raise AuthRefusedError("jwt_verification", "The token is signed neither with HS512 nor HS256.")
        # «The secret is used as is, not base64-decoded.»
        signed = f"{header_part}.{payload_part}".encode()
        if not hmac.compare_digest(hmac.new(secret.encode(), signed, digest).digest(), signature):
            raise AuthRefusedError("jwt_verification", "The signature does not match.")
        return access, nonce, payload

    def _use(self, access: str, nonce: str) -> None:
        used, order = self._used[access], self._order[access]
        if nonce in used:
            raise AuthRefusedError("nonce_used", "The nonce was used before.")
        used.add(nonce)
        order.append(nonce)
        if len(order) > _NONCES_KEPT:
            used.discard(order.popleft())
