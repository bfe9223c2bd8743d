import click
import pytest
from click.testing import CliRunner

from upbit_stream.cli.subscriptions import check_one_file_each, parse_subscriptions, subscription_options
from upbit_stream.errors import InvalidSubscription, UsageError
from upbit_stream.model.subscription import TYPES, Subscription


def parse(*names, **options):
    return parse_subscriptions(names, {"is_only_snapshot": False, "level": None, **options})


def test_streams_are_read_as_they_are_named_everywhere():
    assert parse("trade:SGD-BTC,SGD-ETH", "orderbook:SGD-BTC.15", "myAsset") == [
        Subscription(type="trade", codes=("SGD-BTC", "SGD-ETH")),
        Subscription(type="orderbook", codes=("SGD-BTC.15",)),
        Subscription(type="myAsset"),
    ]


def test_an_option_goes_to_the_types_that_know_it():
    trade, book, order = parse("trade:KRW-BTC", "orderbook:KRW-BTC", "myOrder", is_only_realtime=True, level=10_000.0)
    assert (trade.is_only_realtime, trade.level) == (True, None)
    assert (book.is_only_realtime, book.level) == (True, 10_000.0)
    assert not order.is_only_realtime
    assert parse("trade:KRW-BTC", is_only_snapshot=True)[0].is_only_snapshot


@pytest.mark.parametrize(
    ("names", "options", "reason"),
    [
        (["myOrder"], {"is_only_snapshot": True}, "--only-snapshot is for none of the streams myOrder"),
        (["trade:KRW-BTC"], {"level": 1.0}, "--level is for none"),
        (
            ["trade:KRW-BTC"],
            {"is_only_snapshot": True, "is_only_realtime": True},
            "--only-snapshot and --only-realtime",
        ),
        (["orderbook:SGD-BTC"], {"level": 5.0}, "KRW markets only"),
        (["trade:SGD-BTC", "nope"], {"level": 5.0}, "unknown type"),
        (["indicator:KRW-BTC"], {"timeframe": "5m"}, "indicator:KRW-BTC needs at least one .* --indicators"),
        (["indicator:KRW-BTC"], {"indicators": ["rsi"]}, "indicator:KRW-BTC needs --timeframe, one of 5m, 15m"),
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


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("trade:SGD-BTC,", "'trade:SGD-BTC,': a code is missing after the comma"),
        ("trade:SGD-BTC,,SGD-ETH", "a code is missing after the comma"),
        ("trade:,SGD-BTC", "a code is missing before the comma"),
    ],
)
def test_a_comma_without_a_code_is_told(name, reason):
    with pytest.raises(InvalidSubscription, match=reason):
        parse(name)


@pytest.mark.parametrize(
    ("names", "first", "second"),
    [
        (["orderbook:SGD-BTC.1", "orderbook:SGD-BTC.15"], "SGD-BTC.1", "SGD-BTC.15"),
        (["trade:SGD-BTC", "orderbook:SGD-BTC.1,SGD-ETH.1,SGD-BTC"], "SGD-BTC.1", "SGD-BTC"),
    ],
)
def test_two_depths_of_one_market_are_refused(names, first, second):
    reason = f"orderbook:{first} and orderbook:{second} would be mixed in one file: record them into two directories"
    with pytest.raises(UsageError) as caught:
        check_one_file_each(parse(*names))
    assert str(caught.value) == reason


def test_depths_of_several_markets_and_one_depth_twice_are_fine():
    check_one_file_each(parse("orderbook:SGD-BTC.1,SGD-ETH.15", "orderbook:SGD-BTC.1", "trade:SGD-BTC"))


def options_of(*arguments):
    """What a command gets of these arguments."""

    @click.command()
    @subscription_options
    def command(**options):
        got.update(options)

    got = {}
    result = CliRunner().invoke(command, arguments)
    return got if result.exit_code == 0 else result


def test_each_option_of_a_subscription_has_its_name():
    names = set(options_of())
    assert names == {name for rules in TYPES.values() for name in rules.options}


def test_indicators_are_the_exchanges_own_json():
    options = options_of("--timeframe", "5m", "--indicators", '{"indicator": "rsi", "params": {"period": 14}}')
    (subscription,) = parse_subscriptions(("indicator:KRW-BTC",), options)
    assert subscription.indicators == ({"indicator": "rsi", "params": {"period": 14}},)
    assert options_of("--indicators", "rsi").exit_code == 2
    assert "no JSON" in options_of("--indicators", "rsi").output


def test_a_signal_has_its_trigger_and_what_that_is_set_to():
    options = options_of(
        *("--timeframe", "5m", "--indicators", '[{"type": "rsi", "params": {"period": 14}}]'),
        *("--trigger", "overbought", "--event-params", '{"threshold": 70}'),
    )
    plain, signal = parse_subscriptions(("indicator:KRW-BTC", "indicator_signal:KRW-BTC"), options)
    assert (signal.trigger, signal.event_params) == ("overbought", {"threshold": 70})
    assert (plain.trigger, plain.event_params) == (None, None)
    assert "no JSON object" in options_of("--event-params", "[70]").output
    assert "no JSON" in options_of("--event-params", "{").output


def test_announcements_of_some_kinds():
    (subscription,) = parse_subscriptions(
        ("announcement",), options_of("--categories", "trade,event", "--include-body")
    )
    assert (subscription.categories, subscription.include_body) == (("trade", "event"), True)
