from collections.abc import Callable
from datetime import UTC, datetime
from statistics import fmean, pstdev
from typing import Any

import pytest

from upbit_stream.simulator import Exchange
from upbit_stream.simulator.indicators import triggered, values
from upbit_stream.simulator.wanted import Study

Connect = Callable[..., Any]
FLAT = [10.0] * 250


def study(
    indicator: str, trigger: str | None = None, event: tuple[tuple[str, object], ...] = (), **params: Any
) -> Study:
    return Study("5m", indicator, tuple(params.items()), trigger, event)


def test_the_formulas() -> None:
    closes = [float(n % 7 + n / 10) for n in range(250)]
    volumes = [float(n % 5) for n in range(250)]
    assert values(study("moving_average", period=20, type="SMA"), closes, volumes) == {"value": fmean(closes[-20:])}
    assert values(study("moving_average", period=20, type="EMA"), FLAT, volumes) == {"value": 10.0}
    assert values(study("volume", period=5), closes, volumes) == {"volume": 4.0, "avg_volume": 2.0, "ratio": 2.0}
    bands = values(study("bollinger_bands", period=20, multiplier=2), closes, volumes)
    assert bands["bb_upper"] - bands["bb_lower"] == pytest.approx(4 * pstdev(closes[-20:]))
    assert values(study("rsi", period=14), [*range(250)], volumes) == {"rsi": 100.0}
    assert values(study("rsi", period=14), FLAT, volumes) == {"rsi": 50.0}
    macd = values(study("macd", fast=12, slow=26, signal_period=9), closes, volumes)
    assert macd["histogram"] == macd["macd"] - macd["macd_signal"]
    assert values(study("macd", fast=12, slow=26, signal_period=9), FLAT, volumes)["macd"] == 0


@pytest.mark.parametrize(
    ("wanted", "last"),
    [
        (study("volume", "volume_spike", (("multiplier", 2),), period=10), 10.0),
        (study("rsi", "overbought", (("threshold", 70),), period=14), 11.0),
        (study("rsi", "oversold", (("threshold", 30),), period=14), 9.0),
        (study("moving_average", "price_cross_above", period=5, type="SMA"), 11.0),
        (study("moving_average", "price_cross_below", period=5, type="SMA"), 9.0),
        (study("ma_crossover", "golden_cross", short_period=5, long_period=20, type="SMA"), 11.0),
        (study("ma_crossover", "dead_cross", short_period=5, long_period=20, type="EMA"), 9.0),
        (study("bollinger_bands", "price_cross_above", period=20, multiplier=2), 11.0),
        (study("bollinger_bands", "price_cross_below", period=20, multiplier=2), 9.0),
        (study("macd", "golden_cross", fast=12, slow=26, signal_period=9), 11.0),
        (study("macd", "dead_cross", fast=12, slow=26, signal_period=9), 9.0),
        (study("macd", "zero_cross_above", fast=12, slow=26, signal_period=9), 11.0),
        (study("macd", "zero_cross_below", fast=12, slow=26, signal_period=9), 9.0),
    ],
)
def test_a_signal_comes_at_the_transition_only(wanted: Study, last: float) -> None:
    calm = [1.0] * 250
    busy = [*calm, 50.0] if wanted.indicator == "volume" else [*calm, 1.0]
    assert not triggered(wanted, FLAT, calm)
    assert triggered(wanted, [*FLAT, last], busy)
    assert not triggered(wanted, [*FLAT, last, last], [*busy, 100.0])


def test_indicators_come_at_each_close_of_their_timeframe(connect: Connect) -> None:
    boundary = 1_790_000_000_000 // 900_000 * 900_000
    exchange = Exchange(start_ms=boundary + 1_000, codes=["KRW-BTC", "KRW-ETH", "SGD-BTC"])
    client = connect(exchange, endpoint="info")
    average = {"type": "moving_average", "params": {"period": 5, "type": "SMA"}}
    codes = ["KRW-BTC", "KRW-ETH", "KRW-NONE"]
    for timeframe in ("5m", "15m"):
        client.ask({"type": "indicator", "codes": codes, "timeframe": timeframe, "indicators": [average]})
        client.text("PING")
        said = [message for message in client.after(900_000).said() if "type" in message]
        assert len(said) == 2 * (3 if timeframe == "5m" else 1)
        assert {message["code"] for message in said} == {"KRW-BTC", "KRW-ETH"}
        assert {message["timeframe"] for message in said} == {timeframe}
    start = datetime.fromisoformat(said[0]["candle_date_time_utc"]).replace(tzinfo=UTC)
    assert 0 <= said[0]["timestamp"] - start.timestamp() * 1_000 - 900_000 < 1_000, "told when its candle closed"
    prices = {trade.price for trade in exchange.tape if trade.code == "KRW-BTC"}
    assert min(prices) * 9 / 10 < said[0]["value"]["value"] < max(prices) * 11 / 10
