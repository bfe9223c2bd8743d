import ssl

import click
import pytest
from click.testing import CliRunner

from upbit_stream.cli.options import Connection, address_of, connection_options, make_stream
from upbit_stream.errors import InsecureConnection, UsageError
from upbit_stream.model.subscription import Subscription

TRADES = Subscription.parse("trade:SGD-BTC")
ORDERS = Subscription.parse("myOrder")


def connection(**changes):
    given = {
        **{"region": "sg", "base_url": None, "format": "DEFAULT", "compress": False, "proxy": None},
        **{"max_retries": None, "insecure": False, "ca_file": None},
    }
    return Connection(**{**given, **changes})


def test_keys_are_read_only_where_a_stream_needs_them(monkeypatch):
    monkeypatch.delenv("UPBIT_ACCESS_KEY", raising=False)
    monkeypatch.setenv("UPBIT_SECRET_KEY", "the-secret")
    make_stream(connection(), [TRADES])
    with pytest.raises(UsageError, match="UPBIT_ACCESS_KEY") as caught:
        make_stream(connection(), [TRADES, ORDERS])
    assert "the-secret" not in str(caught.value)
    monkeypatch.setenv("UPBIT_ACCESS_KEY", "the-access")
    make_stream(connection(), [ORDERS])


@pytest.fixture(autouse=True)
def no_address_in_the_environment(monkeypatch):
    monkeypatch.delenv("UPBIT_BASE_URL", raising=False)


def test_an_address_is_needed_and_a_plain_one_only_on_this_machine():
    with pytest.raises(InsecureConnection):
        make_stream(connection(base_url="http://192.0.2.1"), [])
    make_stream(connection(base_url="http://192.0.2.1", insecure=True), [])
    make_stream(connection(base_url="http://127.0.0.1:1"), [])


@pytest.mark.parametrize(
    ("base_url", "region", "environment", "address"),
    [
        ("http://127.0.0.1:1", "sg", "http://127.0.0.1:2", "http://127.0.0.1:1"),
        ("http://127.0.0.1:1", None, "http://127.0.0.1:2", "http://127.0.0.1:1"),
        ("ws://127.0.0.1:1", None, None, "http://127.0.0.1:1"),
        (None, "sg", "http://127.0.0.1:2", "https://sg-api.upbit.com"),
        (None, "kr", None, "https://api.upbit.com"),
        (None, None, "http://127.0.0.1:2", "http://127.0.0.1:2"),
    ],
)
def test_what_is_explicit_wins_and_an_address_over_a_region(monkeypatch, base_url, region, environment, address):
    if environment:
        monkeypatch.setenv("UPBIT_BASE_URL", environment)
    chosen = connection(base_url=base_url, region=region)
    assert address_of(chosen).rest == address
    assert make_stream(chosen, [])._address.rest == address


@pytest.mark.parametrize(
    ("environment", "changes", "message"),
    [
        (None, {}, "say which exchange: --region sg|id|th|kr, or --base-url URL"),
        ("", {}, "say which exchange: --region sg|id|th|kr, or --base-url URL"),
        (None, {"base_url": ""}, "--base-url '' is not of the form http(s)://HOST[:PORT]"),
        (None, {"base_url": "sg"}, "--base-url 'sg' is not of the form http(s)://HOST[:PORT]"),
        (None, {"base_url": "http://me:word@127.0.0.1"}, "--base-url is not of the form http(s)://HOST[:PORT]"),
        ("sg", {}, "UPBIT_BASE_URL 'sg' is not of the form http(s)://HOST[:PORT]"),
        (
            "http://192.0.2.1",
            {},
            "UPBIT_BASE_URL http://192.0.2.1 has no TLS and is not this machine's own address: everything on the way "
            "could read and change the traffic. Use https://, or add --insecure if that is meant",
        ),
    ],
)
def test_a_wrong_place_is_told_in_the_words_of_the_command_line(monkeypatch, environment, changes, message):
    if environment is not None:
        monkeypatch.setenv("UPBIT_BASE_URL", environment)
    with pytest.raises(UsageError) as caught:
        make_stream(connection(**{"region": None, **changes}), [])
    assert str(caught.value) == message


@pytest.mark.parametrize("written", ["SG", "sg", "Sg"])
def test_a_region_may_be_written_large(written):
    @click.command()
    @connection_options
    def command(region, **_):
        click.echo(region)

    assert CliRunner().invoke(command, ["--region", written]).output == "sg\n"


def test_a_file_that_holds_no_certificates_is_told(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(UsageError, match=r"--ca-file .*ca\.pem"):
        make_stream(connection(ca_file=tmp_path / "ca.pem"), [])


def test_certificates_are_taken_from_the_file(tmp_path, monkeypatch):
    asked = []
    real = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda *a, cafile=None, **k: (asked.append(cafile), real())[1])
    make_stream(connection(ca_file=tmp_path / "ca.pem"), [])
    assert asked == [tmp_path / "ca.pem"]


def test_how_a_recording_follows_the_exchange_is_said_on_the_command_line(monkeypatch):
    from upbit_stream.cli import record as command

    made = []

    def make(connection, subscriptions, **following):
        made.append((following, make_stream(connection, subscriptions, **following)))
        raise UsageError("that is all")

    monkeypatch.setattr(command, "make_stream", make)
    for options in ([], ["--no-recover", "--connections", "2", "--audit", "0"], ["--audit", "60"]):
        CliRunner().invoke(command.record, ["trade:SGD-BTC", "--region", "sg", *options])
    assert [following for following, _ in made] == [
        {"recover": True, "connections": 1, "audit_s": 600.0},
        {"recover": False, "connections": 2, "audit_s": None},
        {"recover": True, "connections": 1, "audit_s": 60.0},
    ]
    assert [stream._recovery is not None for _, stream in made] == [True, False, True]
