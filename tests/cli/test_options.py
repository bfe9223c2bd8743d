import ssl

import pytest

from upbit_stream.cli.options import Connection, make_stream, parse_subscriptions
from upbit_stream.errors import InsecureConnection, InvalidSubscription, UsageError
from upbit_stream.model.subscription import Subscription


def parse(*names, only_snapshot=False, only_realtime=False, level=None):
    return parse_subscriptions(names, only_snapshot=only_snapshot, only_realtime=only_realtime, level=level)


def connection(**changes):
    given = {
        **{"region": "sg", "base_url": None, "format": "DEFAULT", "compress": False, "proxy": None},
        **{"max_retries": None, "insecure": False, "ca_file": None},
    }
    return Connection(**{**given, **changes})


def test_streams_are_read_as_they_are_named_everywhere():
    assert parse("trade:SGD-BTC,SGD-ETH", "orderbook:SGD-BTC.15", "myAsset") == [
        Subscription(type="trade", codes=("SGD-BTC", "SGD-ETH")),
        Subscription(type="orderbook", codes=("SGD-BTC.15",)),
        Subscription(type="myAsset"),
    ]


def test_an_option_goes_to_the_types_that_know_it():
    trade, book, order = parse("trade:KRW-BTC", "orderbook:KRW-BTC", "myOrder", only_realtime=True, level=10_000.0)
    assert (trade.is_only_realtime, trade.level) == (True, None)
    assert (book.is_only_realtime, book.level) == (True, 10_000.0)
    assert not order.is_only_realtime
    assert parse("trade:KRW-BTC", only_snapshot=True)[0].is_only_snapshot


@pytest.mark.parametrize(
    ("names", "options", "reason"),
    [
        (["myOrder"], {"only_snapshot": True}, "--only-snapshot is for none of the streams myOrder"),
        (["trade:KRW-BTC"], {"level": 1.0}, "--level is for none"),
        (["trade:KRW-BTC"], {"only_snapshot": True, "only_realtime": True}, "leave nothing"),
        (["orderbook:SGD-BTC"], {"level": 5.0}, "KRW markets only"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(names, options, reason):
    with pytest.raises(UsageError, match=reason):
        parse(*names, **options)


@pytest.mark.parametrize(
    "name", ["", "trade", "trade:", "trade:sgd-btc", "candle.2m:SGD-BTC", "nope:SGD-BTC", "myAsset:SGD-BTC"]
)
def test_a_stream_that_makes_no_sense_is_refused(name):
    with pytest.raises(InvalidSubscription):
        parse(name)


def test_keys_are_read_only_where_a_stream_needs_them(monkeypatch):
    monkeypatch.delenv("UPBIT_ACCESS_KEY", raising=False)
    monkeypatch.setenv("UPBIT_SECRET_KEY", "the-secret")
    make_stream(connection(), parse("trade:SGD-BTC"))
    with pytest.raises(UsageError, match="UPBIT_ACCESS_KEY") as caught:
        make_stream(connection(), parse("trade:SGD-BTC", "myOrder"))
    assert "the-secret" not in str(caught.value)
    monkeypatch.setenv("UPBIT_ACCESS_KEY", "the-access")
    make_stream(connection(), parse("myOrder"))


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
