"""A market's state as messages under their DEFAULT names, in the documented order of fields.

Owns what the four public types say. Must not know who gets them or in which format.
"""

from __future__ import annotations

from .candles import Candle
from .dates import kst_iso, utc, utc_iso
from .market import Market, Trade
from .plain import exact, fixed
from .wanted import Depth

Message = dict[str, object]

SNAPSHOT = "SNAPSHOT"
REALTIME = "REALTIME"


def _change(price: int, previous: int) -> str:
    return "RISE" if price > previous else "FALL" if price < previous else "EVEN"


def trade_message(trade: Trade, stream_type: str) -> Message:
    """One trade."""
    change = trade.price_e8 - trade.previous_close_e8
    return {
        "type": "trade",
        "code": trade.code,
        "trade_price": fixed(trade.price_e8),
        "trade_volume": fixed(trade.volume_e8),
        "ask_bid": trade.side,
        "prev_closing_price": fixed(trade.previous_close_e8),
        "change": _change(trade.price_e8, trade.previous_close_e8),
        "change_price": fixed(abs(change)),
        "trade_date": utc(trade.trade_timestamp, "%Y-%m-%d"),
        "trade_time": utc(trade.trade_timestamp, "%H:%M:%S"),
        "trade_timestamp": trade.trade_timestamp,
        "timestamp": trade.timestamp,
        "sequential_id": trade.sequential_id,
        "best_ask_price": fixed(trade.best.ask_price),
        "best_ask_size": fixed(trade.best.ask_size),
        "best_bid_price": fixed(trade.best.bid_price),
        "best_bid_size": fixed(trade.best.bid_size),
        "stream_type": stream_type,
    }


def ticker_message(market: Market, stream_type: str) -> Message | None:
    """The market at its last trade; None before the first."""
    trade, daily = market.last, market.daily
    if trade is None:
        return None
    change = trade.price_e8 - daily.previous_close
    rate = change * 10**10 // daily.previous_close
    return {
        "type": "ticker",
        "code": trade.code,
        "opening_price": fixed(daily.opening),
        "high_price": fixed(daily.high),
        "low_price": fixed(daily.low),
        "trade_price": fixed(trade.price_e8),
        "prev_closing_price": fixed(daily.previous_close),
        "change": _change(trade.price_e8, daily.previous_close),
        "change_price": fixed(abs(change)),
        "signed_change_price": fixed(change),
        "change_rate": fixed(abs(rate), 10),
        "signed_change_rate": fixed(rate, 10),
        "trade_volume": fixed(trade.volume_e8),
        "acc_trade_volume": fixed(daily.volume),
        "acc_trade_volume_24h": fixed(daily.volume_24h),
        "acc_trade_price": fixed(daily.value // 10**8),
        "acc_trade_price_24h": fixed(daily.value_24h // 10**8),
        "trade_date": utc(trade.trade_timestamp, "%Y%m%d"),
        "trade_time": utc(trade.trade_timestamp, "%H%M%S"),
        "trade_timestamp": trade.trade_timestamp,
        "ask_bid": trade.side,
        "acc_ask_volume": fixed(daily.ask_volume),
        "acc_bid_volume": fixed(daily.bid_volume),
        "highest_52_week_price": fixed(daily.highest_52w),
        "highest_52_week_date": utc(daily.highest_52w_ms, "%Y-%m-%d"),
        "lowest_52_week_price": fixed(daily.lowest_52w),
        "lowest_52_week_date": utc(daily.lowest_52w_ms, "%Y-%m-%d"),
        "market_state": "ACTIVE",
        "is_trading_suspended": False,
        "delisting_date": None,
        "market_warning": "NONE",
        "timestamp": trade.timestamp,
        "stream_type": stream_type,
    }


def book_message(market: Market, depth: Depth, stream_type: str) -> Message | None:
    """The whole book in the wanted depth; None if its level is not supported.

    The totals are those of the whole book whatever the depth: the documentation does not say.
    """
    if depth.level not in market.instrument.supported_levels:
        return None
    book = market.book
    units = book.grouped(depth.units, depth.level) if depth.level else book.units(depth.units)
    level = int(depth.level) if depth.level == int(depth.level) else exact(depth.level)
    return {
        "type": "orderbook",
        "code": market.instrument.code,
        "timestamp": market.book_timestamp,
        "total_ask_size": fixed(book.ask_total),
        "total_bid_size": fixed(book.bid_total),
        "orderbook_units": [
            {
                "ask_price": fixed(unit.ask_price),
                "bid_price": fixed(unit.bid_price),
                "ask_size": fixed(unit.ask_size),
                "bid_size": fixed(unit.bid_size),
            }
            for unit in units
        ],
        "level": level,
        "stream_type": stream_type,
    }


def candle_message(code: str, unit: str, candle: Candle, stream_type: str) -> Message:
    """One candle as it stands."""
    return {
        "type": f"candle.{unit}",
        "code": code,
        "candle_date_time_utc": utc_iso(candle.start_ms),
        "candle_date_time_kst": kst_iso(candle.start_ms),
        "opening_price": fixed(candle.open),
        "high_price": fixed(candle.high),
        "low_price": fixed(candle.low),
        "trade_price": fixed(candle.close),
        "candle_acc_trade_volume": fixed(candle.volume),
        "candle_acc_trade_price": fixed(candle.value // 10**8),
        "timestamp": candle.timestamp,
        "stream_type": stream_type,
    }
