"""The JSON Web Token that opens a private connection, or proves a private REST request.

Owns its form only: the nonce is the caller's, fresh for every attempt. Written with the standard library because
the general JWT packages warn, on every call, that a secret of the exchange's own length is short for HS512.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

import msgspec

from upbit_stream.model.credentials import Credentials

_HEADER = {"alg": "HS512", "typ": "JWT"}


def authorization(credentials: Credentials, nonce: str, query: str = "") -> str:
    """The value of the ``Authorization`` header: ``Bearer`` and a token in compact form (RFC 7515 section 3.1).

    ``nonce`` must never have been used before: the exchange refuses it the second time. ``query`` are the parameters
    of a REST request as they stand in its URL, but without percent-encoding: the token vouches for them.

    https://global-docs.upbit.com/reference/auth
    """
    payload = {"access_key": credentials.access_key, "nonce": nonce}
    if query:
        payload |= {"query_hash": hashlib.sha512(query.encode()).hexdigest(), "query_hash_alg": "SHA512"}
    signed = b".".join(_part(msgspec.json.encode(part)) for part in (_HEADER, payload))
    signature = hmac.new(credentials.secret_key.encode(), signed, hashlib.sha512).digest()
    return f"Bearer {(signed + b'.' + _part(signature)).decode('ascii')}"


def _part(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")
