"""Streams as the command line names them, and the options they take.

Owns the options' names, help and which stream each goes to. What makes sense is `Subscription`'s to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from upbit_stream.errors import UsageError
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
    try:
        definitions = json.loads(value)
    except ValueError as error:
        raise click.BadParameter(f"no JSON: {error}") from error
    return definitions if isinstance(definitions, list) else [definitions]


def parse_subscriptions(names: tuple[str, ...], options: Mapping[str, Any]) -> list[Subscription]:
    """The streams named on the command line, with ``options`` on those types that know them.

    Raises `UsageError` (`InvalidSubscription`) for a name that makes no sense, or an option that fits none.

    >>> parse_subscriptions(("trade:SGD-BTC", "myOrder"), {"is_only_realtime": True, "level": None})
    [Subscription(type='trade', codes=('SGD-BTC',), is_only_realtime=True), Subscription(type='myOrder')]
    """
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    kinds = [name.strip().partition(":")[0] for name in names]
    known = [TYPES[kind].options if kind in TYPES else frozenset() for kind in kinds]
    unknown_kind = any(kind not in TYPES for kind in kinds)
    for name in given:
        if not unknown_kind and not any(name in options for options in known):
            option = "--" + name.removeprefix("is_").replace("_", "-")
            raise UsageError(f"{option} is for none of the streams {' '.join(names)}; leave it out")
    return [
        Subscription.parse(text, **{name: value for name, value in given.items() if name in options})
        for text, options in zip(names, known, strict=True)
    ]
