"""Which indicators and signals the info endpoint computes, and with which settings.

Owns the tables of allowed settings (taken from the exchange's own typed package, since the documentation's
pages give them only in part) and the check of one definition. Must not know sessions or prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from .wanted import Study

TIMEFRAMES_MS = {"5m": 300_000, "15m": 900_000, "60m": 3_600_000, "240m": 14_400_000, "1d": 86_400_000}

Settings = tuple[tuple[str, object], ...]

_AVERAGES = ("SMA", "EMA")
_CROSSOVERS = ((5, 20), (20, 60), (30, 90), (50, 200))
_MACDS = ((12, 26, 9), (8, 17, 9), (5, 35, 5))
_PERIODS = {
    "volume": tuple(range(5, 51, 5)),
    "rsi": (*range(2, 15), 21, 25),
    "moving_average": (3, 5, 7, 10, 15, 20, 25, 30, 50, 60, 90, 99, 100, 120, 200),
    "bollinger_bands": (10, 20, 50),
}
_SIGNAL_PERIODS = {
    "volume": (10, 20, 50),
    "rsi": (7, 9, 14, 21, 25),
    "moving_average": (5, 10, 20, 30, 60, 90, 120, 200),
    "bollinger_bands": (20,),
}
_TRIGGERS: dict[str, dict[str, tuple[str, tuple[int, ...]] | None]] = {
    "volume": {"volume_spike": ("multiplier", (2, 3, 5))},
    "rsi": {"overbought": ("threshold", (70, 80)), "oversold": ("threshold", (20, 30))},
    "moving_average": {"price_cross_above": None, "price_cross_below": None},
    "ma_crossover": {"golden_cross": None, "dead_cross": None},
    "bollinger_bands": {"price_cross_above": None, "price_cross_below": None},
    "macd": {"golden_cross": None, "dead_cross": None, "zero_cross_above": None, "zero_cross_below": None},
}


def _settings(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError("params and event_params must be objects")  # noqa: TRY004  # a remote's mistake
    return cast("Mapping[str, object]", value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _params(indicator: str, value: object, *, signal: bool) -> Settings:
    params = _settings(value)
    allowed = True
    match indicator:
        case "volume" | "rsi" | "moving_average" | "bollinger_bands":
            periods = (_SIGNAL_PERIODS if signal else _PERIODS)[indicator]
            wanted = ["period"]
            allowed = params.get("period") in periods
            if indicator == "moving_average":
                wanted.append("type")
                allowed = allowed and params.get("type") in _AVERAGES
            if indicator == "bollinger_bands":
                wanted.append("multiplier")
                allowed = allowed and _is_number(params.get("multiplier"))
        case "ma_crossover":
            wanted = ["short_period", "long_period", "type"]
            pair = (params.get("short_period"), params.get("long_period"))
            allowed = pair in _CROSSOVERS and params.get("type") in _AVERAGES
        case "macd":
            wanted = ["fast", "slow", "signal_period"]
            allowed = tuple(params.get(name) for name in wanted) in _MACDS
        case _:
            raise ValueError("indicators hold an unknown type")
    if not allowed:
        raise ValueError(f"params of {indicator} are not among those offered")
    return tuple((name, params[name]) for name in wanted)


def _event_params(indicator: str, trigger: object, value: object) -> Settings:
    triggers = _TRIGGERS[indicator]
    if not isinstance(trigger, str) or trigger not in triggers:
        raise ValueError(f"{indicator} needs one of the triggers {', '.join(triggers)}")
    rule = triggers[trigger]
    if rule is None:
        return ()
    name, choices = rule
    chosen = _settings(value).get(name)
    if chosen not in choices:
        raise ValueError(f"event_params of {trigger} are not among those offered")
    return ((name, chosen),)


def study(timeframe: str, definition: object, *, signal: bool) -> Study:
    """The indicator (or signal) that one entry of ``indicators`` asks for; ValueError if not offered."""
    fields = _settings(definition)
    indicator = fields.get("type")
    if not isinstance(indicator, str):
        raise ValueError("indicators need a type")  # noqa: TRY004  # a remote's mistake
    params = _params(indicator, fields.get("params"), signal=signal)
    if not signal:
        return Study(timeframe, indicator, params)
    trigger = fields.get("trigger")
    event_params = _event_params(indicator, trigger, fields.get("event_params"))
    return Study(timeframe, indicator, params, str(trigger), event_params)
