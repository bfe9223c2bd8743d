"""The info endpoint: indicators at each candle's close, signals at a transition.

Owns the history that indicators are computed from (seeded before the start, then the generated markets'
own closes) and the messages. Must not know sessions, only which studies the audience wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial

from .agenda import Agenda
from .audience import Audience
from .broadcast import Told
from .dates import utc_iso
from .indicators import triggered, values
from .market import Market
from .messages import REALTIME, Message
from .plain import E8, exact
from .seeds import seeded
from .studies import TIMEFRAMES_MS
from .wanted import Study, Variant

_DEPTH = 260
"""Candles kept: more than the longest period offered (200)."""
_CLOSE_DELAY_MS = 5


class _History:
    def __init__(self, market: Market, seed: int, timeframe: str) -> None:
        chance = seeded(seed, f"history {market.instrument.code} {timeframe}")
        price = market.instrument.reference_ticks * market.instrument.tick_e8 / E8
        volume = market.instrument.typical_size_e8 * 100 / E8
        self.closes = [price * (1 + chance.gauss(0, 0.003)) for _ in range(_DEPTH)]
        self.volumes = [volume * chance.expovariate(1.0) for _ in range(_DEPTH)]
        self._volume_before = market.daily.traded

    def close(self, market: Market) -> None:
        volume = market.daily.traded - self._volume_before
        self._volume_before = market.daily.traded
        self.closes = [*self.closes[1:], market.daily.last_price / E8]
        self.volumes = [*self.volumes[1:], volume / E8]


class Info:
    """Computes what is asked for, when a candle closes."""

    def __init__(self, markets: Mapping[str, Market], *, seed: int, agenda: Agenda, audience: Audience) -> None:
        self._agenda = agenda
        self._audience = audience
        korean = [market for code, market in markets.items() if code.startswith("KRW-")]
        for timeframe, length_ms in TIMEFRAMES_MS.items():
            histories = [(market, _History(market, seed, timeframe)) for market in korean]
            if histories:
                close = partial(self._close, histories, timeframe, length_ms)
                self._plan(close, length_ms, agenda.now_ms)

    def _plan(self, close: partial[None], length_ms: int, now_ms: int) -> None:
        following = (now_ms - _CLOSE_DELAY_MS) // length_ms + 1
        self._agenda.add(following * length_ms + _CLOSE_DELAY_MS, close)

    def _close(self, histories: list[tuple[Market, _History]], timeframe: str, length_ms: int, at_ms: int) -> None:
        start_ms = (at_ms - _CLOSE_DELAY_MS) - length_ms
        for market, history in histories:
            history.close(market)
            for kind in ("indicator", "indicator_signal"):
                if self._audience.wants(kind, market.instrument.code):
                    self._tell(kind, market.instrument.code, timeframe, history, (start_ms, at_ms))
        self._plan(partial(self._close, histories, timeframe, length_ms), length_ms, at_ms)

    def _tell(self, kind: str, code: str, timeframe: str, history: _History, times: tuple[int, int]) -> None:
        def build(variant: Variant) -> Message | None:
            if not isinstance(variant, Study) or variant.timeframe != timeframe:
                return None
            if variant.trigger is not None and not triggered(variant, history.closes, history.volumes):
                return None
            said = values(variant, history.closes, history.volumes)
            return study_message(kind, code, variant, said, times)

        self._audience.deliver(Told(kind, code, build))


def study_message(kind: str, code: str, study: Study, said: Mapping[str, float], times: tuple[int, int]) -> Message:
    """An indicator or signal; ``times`` are the candle's start and the present."""
    message: Message = {
        "type": kind,
        "code": code,
        "timeframe": study.timeframe,
        "indicator": study.indicator,
        "params": dict(study.params),
    }
    if study.trigger is not None:
        message["trigger"] = study.trigger
        message["event_params"] = dict(study.event_params)
    candle_start_ms, now_ms = times
    return message | {
        "value": {name: exact(Decimal(f"{value:.8f}")) for name, value in said.items()},
        "candle_date_time_utc": utc_iso(candle_start_ms),
        "timestamp": now_ms,
        "stream_type": REALTIME,
    }


def told_study(message: Mapping[str, object], plain: Mapping[str, object]) -> Told:
    """An injected indicator message for delivery in ``plain`` numbers, to those who want just this study."""

    def build(variant: Variant) -> Mapping[str, object] | None:
        if not isinstance(variant, Study):
            return None
        same = (
            message.get("timeframe") == variant.timeframe
            and message.get("indicator") == variant.indicator
            and message.get("params") == dict(variant.params)
            and message.get("trigger") == variant.trigger
        )
        return plain if same else None

    return Told(str(message["type"]), str(message["code"]), build)
