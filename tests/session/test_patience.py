"""What the watch for silence keeps over rounds and sessions."""

from __future__ import annotations

from upbit_stream.model.subscription import Subscription
from upbit_stream.session.silence import SilenceWatch

TICKER = Subscription(type="ticker", codes=("SGD-BTC",), is_only_realtime=True)
TRADE = Subscription(type="trade", codes=("SGD-BTC",), is_only_realtime=True)


def test_patience_outlives_a_session() -> None:
    watch = SilenceWatch({"ticker": 60.0})
    now, remedies = 0.0, []
    watch.connected()
    watch.subscribed([TICKER], {}, now)
    while len(remedies) < 4:
        now += 5
        found = watch.check({}, now)
        if found is not None:
            remedies.append((now, found[1]))
            if found[1] == "reconnect":
                watch.connected()
                watch.subscribed([TICKER], {}, now)
    waits = [later - earlier for (earlier, _), (later, _) in zip([(0.0, ""), *remedies], remedies, strict=False)]
    assert waits == [60.0, 120.0, 240.0, 480.0]


def test_subscribing_something_else_does_not_forgive_silence() -> None:
    watch = SilenceWatch({"ticker": 60.0, "trade": 600.0})
    watch.connected()
    watch.subscribed([TICKER], {}, 0.0)
    for now in (30.0, 55.0):
        watch.subscribed([TICKER, TRADE], {}, now)
    assert watch.check({}, 60.0) == ("ticker", "resubscribe")
