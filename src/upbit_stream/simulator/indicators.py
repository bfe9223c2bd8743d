"""The arithmetic of indicators: closes and volumes in, values out.

Owns textbook formulas on lists of numbers, oldest first. The exchange does not document its smoothing, so
values are plausible, not equal to its own. Must not know markets or messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, pstdev
from typing import cast

from .wanted import Study

Values = Mapping[str, float]


def _ema_series(numbers: Sequence[float], period: int) -> list[float]:
    weight = 2 / (period + 1)
    average = numbers[0]
    series = []
    for number in numbers:
        average += weight * (number - average)
        series.append(average)
    return series


def _average(numbers: Sequence[float], period: int, kind: object) -> float:
    return _ema_series(numbers, period)[-1] if kind == "EMA" else fmean(numbers[-period:])


def _rsi(closes: Sequence[float], period: int) -> float:
    moves = [after - before for before, after in zip(closes[-period - 1 :], closes[-period:], strict=False)]
    gain = sum(move for move in moves if move > 0)
    loss = -sum(move for move in moves if move < 0)
    return 50.0 if gain == loss == 0 else 100 * gain / (gain + loss)


def values(study: Study, closes: Sequence[float], volumes: Sequence[float]) -> Values:
    """What an indicator says after the last candle."""
    params = cast("dict[str, float]", dict(study.params))
    period = int(params.get("period", 0))
    match study.indicator:
        case "volume":
            average = fmean(volumes[-period:])
            ratio = volumes[-1] / average if average else 0.0
            return {"volume": volumes[-1], "avg_volume": average, "ratio": ratio}
        case "rsi":
            return {"rsi": _rsi(closes, period)}
        case "moving_average":
            return {"value": _average(closes, period, params["type"])}
        case "ma_crossover":
            short, long = (int(params[name]) for name in ("short_period", "long_period"))
            kind = params["type"]
            return {"ma_short": _average(closes, short, kind), "ma_long": _average(closes, long, kind)}
        case "bollinger_bands":
            middle, spread = fmean(closes[-period:]), pstdev(closes[-period:]) * params["multiplier"]
            return {"bb_upper": middle + spread, "bb_middle": middle, "bb_lower": middle - spread}
        case _:
            return _macd(closes, *(int(params[name]) for name in ("fast", "slow", "signal_period")))


def _macd(closes: Sequence[float], fast: int, slow: int, signal: int) -> Values:
    pairs = zip(_ema_series(closes, fast), _ema_series(closes, slow), strict=True)
    series = [quick - calm for quick, calm in pairs]
    smooth = _ema_series(series, signal)[-1]
    return {"macd": series[-1], "macd_signal": smooth, "histogram": series[-1] - smooth}


def triggered(study: Study, closes: Sequence[float], volumes: Sequence[float]) -> bool:
    """Whether the last candle brought the transition that a signal waits for."""
    now = _standing(study, closes, volumes)
    return now and not _standing(study, closes[:-1], volumes[:-1])


def _standing(study: Study, closes: Sequence[float], volumes: Sequence[float]) -> bool:
    said = values(study, closes, volumes)
    event = cast("dict[str, float]", dict(study.event_params))
    return _HOLDS[study.indicator, study.trigger or ""](said, event, closes[-1])


_HOLDS: Mapping[tuple[str, str], Callable[[Values, Values, float], bool]] = {
    ("volume", "volume_spike"): lambda said, event, _: said["ratio"] >= event["multiplier"],
    ("rsi", "overbought"): lambda said, event, _: said["rsi"] >= event["threshold"],
    ("rsi", "oversold"): lambda said, event, _: said["rsi"] <= event["threshold"],
    ("moving_average", "price_cross_above"): lambda said, _, close: close > said["value"],
    ("moving_average", "price_cross_below"): lambda said, _, close: close < said["value"],
    ("ma_crossover", "golden_cross"): lambda said, *_: said["ma_short"] > said["ma_long"],
    ("ma_crossover", "dead_cross"): lambda said, *_: said["ma_short"] < said["ma_long"],
    ("bollinger_bands", "price_cross_above"): lambda said, _, close: close > said["bb_upper"],
    ("bollinger_bands", "price_cross_below"): lambda said, _, close: close < said["bb_lower"],
    ("macd", "golden_cross"): lambda said, *_: said["histogram"] > 0,
    ("macd", "dead_cross"): lambda said, *_: said["histogram"] < 0,
    ("macd", "zero_cross_above"): lambda said, *_: said["macd"] > 0,
    ("macd", "zero_cross_below"): lambda said, *_: said["macd"] < 0,
}
"""What each trigger waits for, given the values, its event_params and the close."""
