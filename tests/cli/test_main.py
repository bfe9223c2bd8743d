import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from upbit_stream import errors
from upbit_stream.cli import exits
from upbit_stream.cli.main import upbit_stream
from upbit_stream.cli.options import Shown


def error_classes(base):
    return {base} | {each for child in base.__subclasses__() for each in error_classes(child)}


def made(cls):
    try:
        return cls("reason")
    except TypeError:
        return cls(403) if issubclass(cls, errors.HandshakeRefused) else cls("name", "detail")


def test_every_error_has_its_exit_status():
    status = {cls.__name__: exits.status_of(made(cls)) for cls in error_classes(errors.UpbitStreamError)}
    named = {
        "UsageError": 2,
        "InvalidSubscription": 2,
        "InsecureConnection": 2,
        "RecordingError": 3,
        "AuthenticationError": 4,
    }
    assert {name: value for name, value in status.items() if value != 1} == named


@pytest.mark.parametrize("arguments", [["--help"], ["record", "--help"], ["verify", "--help"]])
def test_help_tells_the_exit_statuses(arguments):
    result = CliRunner().invoke(upbit_stream, arguments)
    assert result.exit_code == 0
    for status in range(6):
        assert f"  {status}  " in result.output
    assert "130 or 143" in result.output


def test_help_imports_no_command():
    program = (
        "import sys; from upbit_stream.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(run.stderr.split())
    assert {"record", "simulate", "verify"} <= set(run.stdout.split())
    assert not loaded & {f"upbit_stream.cli.{name}" for name in ("record", "simulate", "verify")}
    assert not loaded & {"rich", "aiohttp"}


def test_each_command_is_where_its_name_says():
    context = click.Context(upbit_stream)
    for name in upbit_stream.list_commands(context):
        assert upbit_stream.get_command(context, name).name == name
    assert CliRunner().invoke(upbit_stream, ["nope"]).exit_code == 2


@pytest.fixture
def fails(monkeypatch):
    """A command that raises what it is given."""

    def install(error, shown=None):
        @click.command()
        @click.pass_context
        def failing(ctx):
            if shown is not None:
                shown.set_up(ctx, shown_on)
            raise error

        from rich.console import Console

        shown_on = Console(stderr=True, width=200)
        monkeypatch.setattr(upbit_stream, "get_command", lambda ctx, name: failing)
        return CliRunner().invoke(upbit_stream, ["failing"], color=True)

    return install


def test_an_error_is_one_red_line_and_a_status(fails):
    result = fails(errors.AuthenticationError("nonce_used", "no\x1b[2J\nway"))
    assert result.exit_code == exits.AUTHENTICATION
    assert result.stdout == ""
    assert result.stderr == (
        "\x1b[31mError: the exchange refused the credentials: nonce_used: no\\x1b[2J\\nway\x1b[0m\n"
    )


NO_TLS = "cannot connect to wss://127.0.0.1:1/: SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number"


@pytest.mark.parametrize("shown", [None, Shown(verbosity=0, quiet=False, as_json=True)])
def test_an_address_that_speaks_no_tls_is_hinted_at(fails, shown):
    result = fails(errors.ConnectionFailed(NO_TLS), shown)
    assert "wrong version number; no TLS is spoken there: is it http://?" in result.stderr


def test_as_json_it_is_a_log_line(fails):
    result = fails(errors.RecordingError("cannot write"), Shown(verbosity=0, quiet=False, as_json=True))
    assert result.exit_code == exits.RECORDING
    assert '"message": "cannot write"' in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr


def test_twice_verbose_it_has_its_traceback(fails):
    result = fails(errors.StreamClosed("gone"), Shown(verbosity=2, quiet=False, as_json=False))
    assert result.exit_code == exits.FAILED
    assert "Traceback" in result.stderr
    assert "error: gone" in result.stderr


def test_a_mistake_of_ours_is_not_hidden(fails):
    result = fails(ZeroDivisionError("bug"))
    assert isinstance(result.exception, ZeroDivisionError)


def test_the_version_is_told():
    from upbit_stream._version import __version__

    assert __version__ in CliRunner().invoke(upbit_stream, ["--version"]).output
