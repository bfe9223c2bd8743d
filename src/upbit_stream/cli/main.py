"""``upbit-stream``: the group of commands, and how an error leaves the program.

Owns the name of each command and where it is. Each is imported only when it is asked for, so that help and
completion are quick. Must not know what a command does.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from upbit_stream._version import __version__
from upbit_stream.cli import exits
from upbit_stream.cli.hints import with_hint
from upbit_stream.cli.text import printable
from upbit_stream.errors import UpbitStreamError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS: Final = {
    "record": "Record streams of the exchange into JSON Lines files.",
    "simulate": "Run a stand-in exchange on this machine.",
    "verify": "Check whether a recording is whole.",
}

#: Where the options of a command leave what the end of the program needs to know (`options.Shown`).
SHOWN: Final = "upbit_stream.shown"


class _Commands(click.Group):
    """Commands imported on demand; the package's errors become one line and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"upbit_stream.cli.{cmd_name}"), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UpbitStreamError as error:
            _tell(ctx, error)
            ctx.exit(exits.status_of(error))


def _tell(ctx: click.Context, error: UpbitStreamError) -> None:
    shown = ctx.meta.get(SHOWN)
    text = with_hint(str(error))
    if shown is not None and (shown.as_json or shown.verbosity > 1):
        logging.getLogger(__name__).error("%s", text, exc_info=error if shown.verbosity > 1 else None)
    else:
        click.secho(f"Error: {printable(text)}", fg="red", err=True)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exits.HELP,
)
@click.version_option(__version__, prog_name="upbit-stream")
def upbit_stream() -> None:
    """Keep the streams of the Upbit exchange alive, record them, check recordings, or simulate the exchange."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status; ``args`` are those of the process unless given."""
    upbit_stream.main(args=None if args is None else list(args), prog_name="upbit-stream")
