"""``upbit-stream simulate``: the stand-in exchange on a port of this machine.

Owns the command's options and when it stops. Must not know the protocol; never prints a secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from upbit_stream.cli.signals import ending_signals
from upbit_stream.simulator import DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY, Exchange, Replay, random_schedule
from upbit_stream.simulator.tape_file import TapeError, TapeFile

if TYPE_CHECKING:
    from upbit_stream.simulator.server import Server

_HOUR_MS = 3_600_000
_FAULTY_MS = 7 * 24 * _HOUR_MS
_TAPE_LIMIT = 1_000_000  # some 500 MB: a market left to itself for a week must not eat the machine
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _split_codes(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    codes = tuple(code.strip() for code in value.split(",") if code.strip())
    if not codes:
        raise click.BadParameter("name at least one market, such as SGD-BTC")
    return codes


def _split_keys(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str] | None:
    keys: dict[str, str] = {}
    for value in values:
        access, _, secret = value.partition(":")
        if not access or not secret:
            # The value is not repeated: it may hold a secret.
            raise click.BadParameter("a key pair is written ACCESS:SECRET")
        keys[access] = secret
    return keys or None


@click.command()
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--codes",
    default="SGD-BTC,SGD-ETH",
    show_default=True,
    callback=_split_codes,
    help="Markets to generate, with commas between.",
)
@click.option(
    "--rate",
    default=2.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Trades a second in total, over all markets.",
)
@click.option(
    "--private-rate",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Orders placed, filled or cancelled a second, for each account.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same random market.")
@click.option(
    "--keys",
    multiple=True,
    metavar="ACCESS:SECRET",
    callback=_split_keys,
    help=f"A key pair to accept; may be repeated. Default: {DEFAULT_ACCESS_KEY}:{DEFAULT_SECRET_KEY}",
)
@click.option(
    "--history",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0, max=24 * 90),
    metavar="HOURS",
    help="How long the markets have been trading at the start, for REST to tell of.",
)
@click.option("--faults", type=int, metavar="SEED", help="Let things go wrong, every half minute, as this seed has it.")
@click.option("--no-limits", is_flag=True, help="Count what is over a budget, but let it through.")
@click.option(
    "--replay",
    metavar="FILE",
    type=click.Path(exists=True, readable=True, path_type=Path),
    help="Serve this capture (received_at_ns TAB payload) when asked for, or a recording: a file or its directory.",
)
@click.option("--speed", default=1.0, show_default=True, type=float, help="How much faster to replay.")
@click.option(
    "--tape",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the trades in this file; with a file that is there, go on after its last trade.",
)
@click.option("--tls-cert", type=_FILE, help="Certificate chain (PEM), to serve https and wss.")
@click.option("--tls-key", type=_FILE, help="Its private key (PEM).")
@click.option(
    "--port-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the chosen port to this file when ready.",
)
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), help="Stop after so many seconds.")
def simulate(
    *,
    port: int,
    host: str,
    codes: tuple[str, ...],
    rate: float,
    private_rate: float,
    seed: int,
    keys: dict[str, str] | None,
    history: float,
    faults: int | None,
    no_limits: bool,
    replay: Path | None,
    speed: float,
    tape: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    port_file: Path | None,
    duration: float | None,
) -> None:
    """Run a stand-in exchange: the streams and REST of Upbit on this machine, without the internet.

    Point a client at it with UPBIT_BASE_URL=http://127.0.0.1:PORT. Everything in it is made up, and private
    streams accept only the key pairs of --keys: never give it a key of the real exchange.
    """
    tls = _tls(tls_cert, tls_key)
    played = _read_replay(replay, speed)
    start_ms = time.time_ns() // 1_000_000
    with _tape(tape) as kept:
        try:
            exchange = Exchange(
                codes=codes,
                seed=seed,
                trade_rate=rate,
                private_rate=private_rate,
                start_ms=start_ms,
                keys=keys,
                limits_enforced=not no_limits,
                replay=played,
                tape_limit=_TAPE_LIMIT,
                history_ms=int(history * _HOUR_MS),
                faults=() if faults is None else random_schedule(faults, start_ms, _FAULTY_MS),
                former=() if kept is None else kept.trades(),
                on_trade=_nothing if kept is None else kept.append,
            )
        except TapeError as problem:
            raise click.UsageError(f"cannot go on after this tape: {problem}") from problem
        except ValueError as problem:
            raise click.BadParameter(str(problem), param_hint="--codes") from problem
        except OSError as problem:  # only the tape is written by now
            raise _unwritable(tape, problem) from problem
        try:
            asyncio.run(_serve(exchange, host, port, tls, port_file, duration, kept))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                raise click.ClickException(f"port {port} on {host} is in use; choose another with --port") from problem
            raise click.ClickException(f"cannot serve on {host}:{port}: {problem.strerror or problem}") from problem


@contextlib.contextmanager
def _tape(path: Path | None) -> Iterator[TapeFile | None]:
    if path is None:
        yield None
        return
    try:
        tape = TapeFile(path)
    except TapeError as problem:
        raise click.UsageError(f"cannot go on after this tape: {problem}") from problem
    except BlockingIOError as problem:
        raise click.ClickException(f"another stand-in exchange writes {path}") from problem
    except OSError as problem:
        raise click.ClickException(f"cannot open {path}: {problem.strerror or problem}") from problem
    with tape:
        yield tape


def _nothing(_trade: object) -> None:
    """No tape: nothing is kept."""


def _unwritable(path: Path | None, problem: OSError) -> click.ClickException:
    return click.ClickException(f"cannot write {path}: {problem.strerror or problem}; the market ended with it")


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise click.UsageError("--tls-cert and --tls-key belong together")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as problem:
        raise click.UsageError(f"cannot use this certificate and key: {problem}") from problem
    return context


def _read_replay(path: Path | None, speed: float) -> Replay | None:
    if path is None:
        return None
    try:
        return Replay.from_file(path, speed=speed)
    except (ValueError, OSError) as problem:
        raise click.UsageError(f"cannot replay: {problem}") from problem


async def _serve(
    exchange: Exchange,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    port_file: Path | None,
    duration: float | None,
    tape: TapeFile | None,
) -> None:
    # Here, not above: the other commands need no HTTP server, which takes its time to import.
    from upbit_stream.simulator.server import Server  # noqa: PLC0415

    failures: list[OSError] = []
    with ending_signals() as ending:

        def fail(problem: OSError) -> None:
            failures.append(problem)
            ending.set()

        if tape is not None:
            tape.on_failure = fail
        try:
            # To make an exchange takes a moment, after a long tape several: its clock is not to stay behind.
            exchange.advance(time.time_ns() // 1_000_000)
            async with Server(exchange, host=host, port=port, ssl_context=tls) as server:
                _say_ready(server, port_file)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(duration):
                        await ending.wait()
        finally:  # what the tape met comes first: it may be what was raised
            if tape is not None and failures:
                raise _unwritable(tape.path, failures[0])


def _say_ready(server: Server, port_file: Path | None) -> None:
    if port_file is not None:
        port_file.write_text(f"{server.port}\n")
    codes = ",".join(server.exchange.codes)
    click.echo(f"stand-in exchange on {server.base_url} ({server.stream_url}), codes {codes}, Ctrl-C to stop")
