"""What a client's text asks for: a request as a value, or the error the exchange answers.

Owns the grammar of requests and the names of errors. Must not know sessions, markets or sockets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, cast

import msgspec

from .type_objects import RequestError, parse_type_object
from .wanted import FORMATS, Format, ListRequest, SubscriptionRequest

Endpoint = Literal["public", "private", "info"]

MOST_STUDIES: Final = 100
"""Code x indicator combinations in one request, over both types."""


def parse_request(text: str, endpoint: Endpoint, *, authenticated: bool) -> SubscriptionRequest | ListRequest:
    """The request that ``text`` holds; RequestError if the exchange would not take it."""
    ticket, objects = _ticket_and_objects(_array(text))
    style = _format(objects)
    methods = [item for item in objects if "method" in item]
    typed = [item for item in objects if "method" not in item and not _is_format(item)]
    if methods:
        return _list_request(ticket, style, methods, typed)
    if not typed:
        raise RequestError("NO_TYPE", "The request names no type.")
    wanted = tuple(parse_type_object(item, endpoint, authenticated=authenticated) for item in typed)
    studies = sum(len(one.feeds) for one in wanted if one.kind in ("indicator", "indicator_signal"))
    if studies > MOST_STUDIES:
        raise RequestError("INVALID_PARAM", f"More than {MOST_STUDIES} combinations of code and indicator.")
    return SubscriptionRequest(ticket, style, wanted)


def _array(text: str) -> Sequence[object]:
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError) as problem:
        raise RequestError("WRONG_FORMAT", "The request is not JSON.") from problem
    if not isinstance(value, list):
        raise RequestError("WRONG_FORMAT", "The request is not an array.")
    return value


def _ticket_and_objects(items: Sequence[object]) -> tuple[str, list[Mapping[str, object]]]:
    if not all(isinstance(item, dict) for item in items):
        raise RequestError("WRONG_FORMAT", "The request holds something that is not an object.")
    objects = cast("list[Mapping[str, object]]", list(items))
    # «The format object may stand anywhere after the ticket»: so the ticket stands first.
    ticket = objects[0].get("ticket") if objects else None
    if ticket is None or ticket == "":
        raise RequestError("NO_TICKET", "The request does not begin with a ticket.")
    if not isinstance(ticket, str):
        raise RequestError("INVALID_PARAM", "The ticket is not a string.")
    return ticket, objects[1:]


def _is_format(item: Mapping[str, object]) -> bool:
    return "format" in item and "type" not in item


def _format(objects: Sequence[Mapping[str, object]]) -> Format:
    style = FORMATS["DEFAULT"]
    for item in objects:
        if _is_format(item):
            name = item["format"]
            if not isinstance(name, str) or name not in FORMATS:
                raise RequestError("INVALID_PARAM", f"The format is none of {', '.join(FORMATS)}.")
            style = FORMATS[name]
    return style


def _list_request(
    ticket: str, style: Format, methods: Sequence[Mapping[str, object]], typed: Sequence[object]
) -> ListRequest:
    if any(item["method"] != "LIST_SUBSCRIPTIONS" for item in methods):
        raise RequestError("INVALID_PARAM", "The only method is LIST_SUBSCRIPTIONS.")
    if typed:
        raise RequestError("WRONG_FORMAT", "A request holds a method or types, not both.")
    return ListRequest(ticket, style)
