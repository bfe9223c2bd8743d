"""The options about the connection and about what is shown, and the values made of them.

Owns their names, help and meaning. The one place of the command line that makes a `Stream`.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from upbit_stream.cli import logs
from upbit_stream.cli.main import SHOWN
from upbit_stream.errors import InsecureConnection, UsageError
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.regions import REGIONS, Address, resolve
from upbit_stream.model.subscription import Subscription
from upbit_stream.stream import BASE_URL_VARIABLE, Stream
from upbit_stream.wire.requests import FORMATS, Format

if TYPE_CHECKING:
    from rich.console import Console


Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Shown:
    """What the user wants to see."""

    verbosity: int
    quiet: bool
    as_json: bool

    def set_up(self, ctx: click.Context, console: Console) -> None:
        """Set the log up, and tell the end of the program."""
        ctx.meta[SHOWN] = self
        logs.set_up(console, verbosity=self.verbosity, as_json=self.as_json, quiet=self.quiet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How to reach the exchange; the fields are the options' names."""

    region: str | None = None
    base_url: str | None = None
    proxy: str | None = None
    insecure: bool = False
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Reach):
    """How to receive its streams; the fields are the options' names."""

    format: Format
    compress: bool
    max_retries: int | None


def shown_options(command: Command) -> Command:
    """Add ``-v``, ``--quiet`` and ``--log-json``."""
    for option in (
        click.option("--log-json", "as_json", is_flag=True, help="Log one JSON object a line, to standard error."),
        click.option("-q", "--quiet", is_flag=True, help="Show warnings and errors alone: no progress, no summary."),
        click.option("-v", "--verbose", "verbosity", count=True, help="Log more; twice: everything, with tracebacks."),
    ):
        command = option(command)
    return command


def connection_options(command: Command) -> Command:
    """Add what it takes to receive streams of the exchange."""
    for option in (
        click.option(
            "--max-retries",
            type=click.IntRange(min=0),
            help="Give up after so many failed attempts in a row. Default: never.",
        ),
        click.option("--compress", is_flag=True, help="Ask for permessage-deflate: fewer bytes, more CPU."),
        click.option(
            "--format",
            type=click.Choice(FORMATS),
            default="DEFAULT",
            show_default=True,
            help="The wire format, which is also the recording's; SIMPLE has short keys.",
        ),
    ):
        command = option(command)
    return address_options(command)


def address_options(command: Command) -> Command:
    """Add what it takes to reach the exchange, over whatever protocol."""
    for option in (
        click.option(
            "--ca-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Trust the certificates in this file (PEM) instead of the system's.",
        ),
        click.option("--insecure", is_flag=True, help="Allow a base URL without TLS that is not this machine's own."),
        click.option(
            "--proxy", metavar="URL", help="Go through this proxy: http://, https://, socks4:// or socks5://HOST:PORT."
        ),
        click.option(
            "--base-url",
            metavar="URL",
            help="The exchange's base address, instead of the region's: http(s)://HOST[:PORT], or ws(s)://. "
            f"Without it and without --region: the environment's {BASE_URL_VARIABLE}.",
        ),
        click.option(
            "--region",
            type=click.Choice(list(REGIONS), case_sensitive=False),
            help="Which of the exchange's regions.",
        ),
    ):
        command = option(command)
    return command


def address_of(connection: Reach) -> Address:
    """Which exchange: an explicit ``--base-url``, else an explicit ``--region``, else the environment's address.

    Raises `UsageError` in the command line's words.
    """
    name, url = "--base-url", connection.base_url
    if url is None and connection.region is None:
        name, url = BASE_URL_VARIABLE, os.environ.get(BASE_URL_VARIABLE) or None
        if url is None:
            raise UsageError(f"say which exchange: --region {'|'.join(REGIONS)}, or --base-url URL")
    try:
        return resolve(connection.region, url, insecure=connection.insecure)
    except InsecureConnection as error:
        raise InsecureConnection(
            f"{name} {url} has no TLS and is not this machine's own address: everything on the way could read and "
            "change the traffic. Use https://, or add --insecure if that is meant"
        ) from error
    except UsageError as error:
        raise UsageError(str(error).replace("base_url", name, 1)) from error


def make_stream(
    connection: Connection,
    subscriptions: list[Subscription],
    *,
    recover: bool = True,
    connections: int = 1,
    audit_s: float | None = None,
) -> Stream:
    """The client for these options. Keys are read from the environment only where a stream needs them.

    ``recover``, ``connections`` and ``audit_s`` are those of `Stream`.

    Raises `UsageError` where an option or the environment makes no sense.
    """
    address = address_of(connection)
    private = any(subscription.endpoint == "private" for subscription in subscriptions)
    return Stream(
        connection.region,
        base_url=address.rest,
        format=connection.format,
        credentials=Credentials.from_env() if private else None,
        compression=connection.compress,
        proxy=connection.proxy,
        max_retries=connection.max_retries,
        insecure=connection.insecure,
        ssl_context=trusting(connection.ca_file),
        recover=recover,
        connections=connections,
        audit_s=audit_s,
    )


def trusting(ca_file: Path | None) -> ssl.SSLContext | None:
    """What checks certificates against those in ``ca_file``; None where it is the system's. Raises `UsageError`."""
    if ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (ssl.SSLError, OSError) as error:
        raise UsageError(f"--ca-file {ca_file}: {error.strerror or error}; give a file of PEM certificates") from error
