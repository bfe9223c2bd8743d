"""A REST client of the stand-in exchange's core in injected time, for the tests of this room."""

import hashlib
import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import jwt

from upbit_stream.simulator import DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY, Exchange, RestAnswer, RestRequest

_nonces = iter(range(10**9))


def query_of(**parameters: Any) -> str:
    """The parameters as a URL carries them; a list is an array parameter."""
    pairs = [
        (f"{name}[]" if isinstance(value, list) else name, one)
        for name, value in parameters.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    return "&".join(f"{quote(name)}={quote(str(one), safe='')}" for name, one in pairs)


def token(query: str = "", secret: str = DEFAULT_SECRET_KEY, **claims: Any) -> str:
    payload = {"access_key": DEFAULT_ACCESS_KEY, "nonce": f"rest-{next(_nonces)}"}
    if query:
        payload["query_hash"] = hashlib.sha512(unquote(query).encode()).hexdigest()
        payload["query_hash_alg"] = "SHA512"
    return "Bearer " + jwt.encode(payload | claims, secret, algorithm="HS512")


def ask(exchange: Exchange, path: str, *, source: str = "192.0.2.1", private: bool = False, **parameters: Any) -> Any:
    """Ask at the exchange's present time; each private request carries a good token."""
    query = query_of(**parameters)
    headers = {"authorization": token(query)} if private else {}
    answer = exchange.rest(RestRequest("GET", path, query, headers, source), exchange.agenda.now_ms)
    assert isinstance(answer, RestAnswer)
    return answer


def said(answer: RestAnswer | None, status: int = 200) -> Any:
    assert answer is not None
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    return json.loads(answer.body, parse_float=Decimal)


def error(answer: RestAnswer | None) -> tuple[int, str | int]:
    assert answer is not None
    told = json.loads(answer.body)
    assert list(told) == ["error"]
    assert list(told["error"]) == ["name", "message"]
    return answer.status, told["error"]["name"]
