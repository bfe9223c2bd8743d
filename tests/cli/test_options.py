import ssl

import pytest

from upbit_stream.cli.options import Connection, make_stream
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


def test_a_place_is_needed_and_a_plain_one_only_on_this_machine():
    with pytest.raises(UsageError, match="region"):
        make_stream(connection(region=None), [])
    with pytest.raises(InsecureConnection):
        make_stream(connection(base_url="http://192.0.2.1"), [])
    make_stream(connection(base_url="http://192.0.2.1", insecure=True), [])
    make_stream(connection(base_url="http://127.0.0.1:1"), [])


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
