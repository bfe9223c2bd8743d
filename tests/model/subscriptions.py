"""What can be subscribed to, as the exchange documents it, and how a refusal is looked at."""

from typing import Any

import pytest

from upbit_stream.errors import InvalidSubscription
from upbit_stream.model.subscription import Subscription

# written out: what the exchange documents is not read from the table under test
CANDLE_UNITS = ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m")
INDICATOR = {"codes": ["KRW-BTC"], "timeframe": "15m", "indicators": ["rsi"]}
NEEDS = {"codes": ("KRW-BTC",)}
VALID: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("ticker", "trade", "orderbook", *(f"candle.{unit}" for unit in CANDLE_UNITS)), NEEDS),
    **{kind: {} for kind in ("myOrder", "myAsset", "announcement")},
    **dict.fromkeys(("indicator", "indicator_signal"), INDICATOR),
}
ENDPOINTS = {
    **dict.fromkeys(("myOrder", "myAsset", "announcement"), "private"),
    **dict.fromkeys(("indicator", "indicator_signal"), "info"),
}


def refusal(**fields) -> str:
    with pytest.raises(InvalidSubscription) as raised:
        Subscription(**fields)
    assert isinstance(raised.value, ValueError)
    assert raised.value.__cause__ is None
    return str(raised.value)
