"""Streams as the command line names them, and the options they take.

Owns the options' names, help and which stream each goes to. What makes sense is `Subscription`'s to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from upbit_stream.errors import InvalidSubscription, UsageError
from upbit_stream.model.subscription import ANNOUNCEMENT_CATEGORIES, TIMEFRAMES, TYPES, Subscription

Command = TypeVar("Command", bound=Callable[..., Any])


def subscription_options(command: Command) -> Command:
    """Add the options of subscriptions, under the names that `Subscription` has for them."""
    for option in (
        click.option("--include-body", is_flag=True, help="Announcements with their text."),
        click.option(
            "--categories",
            callback=_split,
            metavar="NAME[,NAME...]",
            help=f"Announcements of these kinds: {', '.join(ANNOUNCEMENT_CATEGORIES)}. Default: all.",
        ),
        click.option(
            "--event-params",
            callback=_json_object,
            metavar="JSON",
            help="For indicator_signal: what the trigger is set to.",
        ),
        click.option("--trigger", metavar="NAME", help="For indicator_signal: what it waits for, such as overbought."),
        click.option(
            "--indicators",
            callback=_json_list,
            metavar="JSON",
            help="For indicator and indicator_signal: the exchange's list of definitions.",
        ),
        click.option("--timeframe", type=click.Choice(TIMEFRAMES), help="For indicator and indicator_signal."),
        click.option(
            "--level", type=click.FloatRange(min=0), help="Group an order book's prices by this (KRW markets)."
        ),
        click.option("--only-realtime", "is_only_realtime", is_flag=True, help="Only what changes from then on."),
        click.option(
            "--only-snapshot", "is_only_snapshot", is_flag=True, help="Only what holds when the subscription begins."
        ),
    ):
        command = option(command)
    return command


def _split(_ctx: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value.split(","))


def _json_list(_ctx: click.Context, _option: click.Parameter, value: str | None) -> list[Any] | None:
    if value is None:
        return None
    definitions = _json(value)
    return definitions if isinstance(definitions, list) else [definitions]


def _json_object(_ctx: click.Context, _option: click.Parameter, value: str | None) -> dict[str, Any] | None:
    if value is None:
        return None
    given = _json(value)
    if not isinstance(given, dict):
        raise click.BadParameter('no JSON object, such as {"threshold": 70}')
    return given


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"no JSON: {error}") from error


def parse_subscriptions(names: tuple[str, ...], options: Mapping[str, Any]) -> list[Subscription]:
    """The streams named on the command line, with ``options`` on those types that know them.

    Raises `UsageError` (`InvalidSubscription`) for a name that makes no sense, or an option that fits none.

    >>> parse_subscriptions(("trade:SGD-BTC", "myOrder"), {"is_only_realtime": True, "level": None})
    [Subscription(type='trade', codes=('SGD-BTC',), is_only_realtime=True), Subscription(type='myOrder')]
    """
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    for text in names:
        _check_commas(text)
    kinds = [name.strip().partition(":")[0] for name in names]
    known = [TYPES[kind].options if kind in TYPES else frozenset() for kind in kinds]
    if all(kind in TYPES for kind in kinds):
        _check_options(names, known, given)
    return [
        Subscription.parse(text, **{name: value for name, value in given.items() if name in options})
        for text, options in zip(names, known, strict=True)
    ]


def _check_commas(text: str) -> None:
    _, _, codes = text.strip().partition(":")
    if codes and "" in (parts := codes.split(",")):
        side = "before" if not parts[0] else "after"
        raise InvalidSubscription(f"{text!r}: a code is missing {side} the comma; write CODE,CODE without blanks")


def _check_options(names: Sequence[str], known: Sequence[frozenset[str]], given: Mapping[str, Any]) -> None:
    """What `Subscription` would say as well, in the words of the command line."""
    for name in given:
        if not any(name in options for options in known):
            option = "--" + name.removeprefix("is_").replace("_", "-")
            raise UsageError(f"{option} is for none of the streams {' '.join(names)}; leave it out")
    if "is_only_snapshot" in given and "is_only_realtime" in given:
        raise UsageError("--only-snapshot and --only-realtime together leave nothing; give one of them")
    for text, options in zip(names, known, strict=True):
        if "timeframe" in options and "timeframe" not in given:
            raise UsageError(f"{text} needs --timeframe, one of {', '.join(TIMEFRAMES)}")
        if "indicators" in options and not given.get("indicators"):
            raise UsageError(f"{text} needs at least one of the exchange's indicators: --indicators JSON")


def check_one_file_each(subscriptions: Iterable[Subscription]) -> None:
    """Refuse what one file could not tell apart: an order book's messages name their market, but not their depth.

    Raises `UsageError`.
    """
    taken: dict[str, str] = {}
    for subscription in subscriptions:
        for code in subscription.codes if subscription.type == "orderbook" else ():
            other = taken.setdefault(code.partition(".")[0], code)
            if other != code:
                raise UsageError(
                    f"orderbook:{other} and orderbook:{code} would be mixed in one file: "
                    "record them into two directories"
                )
