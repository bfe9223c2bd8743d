"""Made-up markets whose messages have the shape and the size of the exchange's.

Owns what one message says, from a seed. Knows nothing of loads, frames and the client.
"""

from __future__ import annotations

import random
import time
from typing import Any

Message = dict[str, Any]

ID = "@id"  # where a trade's id will stand

_PRICES = {"KRW-BTC": (152_340_000, 1_000), "KRW-ETH": (5_120_000, 1_000), "KRW-SOL": (301_500, 100)}
_OTHER_PRICE = (1_843, 1)
_CHANGED_UNITS = 4  # of a book, from one message to the next


class Market:
    """One market: its price walks, and its book changes in few places at a time."""

    def __init__(self, code: str, levels: int, chance: random.Random) -> None:
        self._code = code
        self._chance = chance
        self._price, self._step = _PRICES.get(code, _OTHER_PRICE)
        self._opening = self._price
        self._asks = [self._size() for _ in range(levels)]
        self._bids = [self._size() for _ in range(levels)]

    def message(self, kind: str, now_ms: int) -> Message:
        """The next message of that type, under the DEFAULT names."""
        self._price += self._step * self._chance.choice((-1, 0, 0, 1))
        if kind == "trade":
            return self._trade(now_ms)
        return self._order_book(now_ms) if kind == "orderbook" else self._ticker(now_ms)

    def _size(self) -> float:
        return round(self._chance.lognormvariate(0.0, 3.0), 8)

    def _trade(self, now_ms: int) -> Message:
        moment = time.gmtime(now_ms / 1000)
        change = self._price - self._opening
        return {
            "type": "trade",
            "code": self._code,
            "timestamp": now_ms,
            "trade_date": time.strftime("%Y-%m-%d", moment),
            "trade_time": time.strftime("%H:%M:%S", moment),
            "trade_timestamp": now_ms - 30,
            "trade_price": float(self._price),
            "trade_volume": self._size(),
            "ask_bid": self._chance.choice(("ASK", "BID")),
            "prev_closing_price": float(self._opening),
            "change": _direction(change),
            "change_price": float(abs(change)),
            "sequential_id": ID,
            "best_ask_price": float(self._price),
            "best_ask_size": self._size(),
            "best_bid_price": float(self._price - self._step),
            "best_bid_size": self._size(),
            "stream_type": "REALTIME",
        }

    def _order_book(self, now_ms: int) -> Message:
        for _ in range(_CHANGED_UNITS):
            side = self._chance.choice((self._asks, self._bids))
            side[self._chance.randrange(len(side))] = self._size()
        return {
            "type": "orderbook",
            "code": self._code,
            "timestamp": now_ms,
            "total_ask_size": round(sum(self._asks), 8),
            "total_bid_size": round(sum(self._bids), 8),
            "orderbook_units": [
                {
                    "ask_price": float(self._price + self._step * depth),
                    "bid_price": float(self._price - self._step * (depth + 1)),
                    "ask_size": ask,
                    "bid_size": bid,
                }
                for depth, (ask, bid) in enumerate(zip(self._asks, self._bids, strict=True))
            ],
            "level": 0,
            "stream_type": "REALTIME",
        }

    def _ticker(self, now_ms: int) -> Message:
        moment = time.gmtime(now_ms / 1000)
        change = self._price - self._opening
        rate = round(change / self._opening, 10)
        volume = 9_000 + self._size()
        return {
            "type": "ticker",
            "code": self._code,
            "opening_price": float(self._opening),
            "high_price": float(self._opening + 90 * self._step),
            "low_price": float(self._opening - 120 * self._step),
            "trade_price": float(self._price),
            "prev_closing_price": float(self._opening),
            "change": _direction(change),
            "change_price": float(abs(change)),
            "signed_change_price": float(change),
            "change_rate": abs(rate),
            "signed_change_rate": rate,
            "trade_volume": self._size(),
            "acc_trade_volume": volume,
            "acc_trade_volume_24h": round(2 * volume, 8),
            "acc_trade_price": round(volume * self._price, 5),
            "acc_trade_price_24h": round(2 * volume * self._price, 5),
            "trade_date": time.strftime("%Y%m%d", moment),
            "trade_time": time.strftime("%H%M%S", moment),
            "trade_timestamp": now_ms - 30,
            "ask_bid": self._chance.choice(("ASK", "BID")),
            "acc_ask_volume": round(volume / 3, 8),
            "acc_bid_volume": round(volume * 2 / 3, 8),
            "highest_52_week_price": float(self._opening + 900 * self._step),
            "highest_52_week_date": "2024-03-14",
            "lowest_52_week_price": float(self._opening - 900 * self._step),
            "lowest_52_week_date": "2023-10-02",
            "market_state": "ACTIVE",
            "is_trading_suspended": False,
            "delisting_date": None,
            "market_warning": "NONE",
            "timestamp": now_ms,
            "stream_type": "REALTIME",
        }


def _direction(change: int) -> str:
    return "RISE" if change > 0 else "FALL" if change < 0 else "EVEN"


_SHORT = {
    "type": "ty",
    "code": "cd",
    "timestamp": "tms",
    "trade_date": "td",
    "trade_time": "ttm",
    "trade_timestamp": "ttms",
    "trade_price": "tp",
    "trade_volume": "tv",
    "ask_bid": "ab",
    "prev_closing_price": "pcp",
    "change": "c",
    "change_price": "cp",
    "sequential_id": "sid",
    "best_ask_price": "bap",
    "best_ask_size": "bas",
    "best_bid_price": "bbp",
    "best_bid_size": "bbs",
    "stream_type": "st",
    "total_ask_size": "tas",
    "total_bid_size": "tbs",
    "orderbook_units": "obu",
    "level": "lv",
    "ask_price": "ap",
    "bid_price": "bp",
    "ask_size": "as",
    "bid_size": "bs",
}


def shortened(message: Message) -> Message:
    """A trade or an order book under the names of the SIMPLE format (a ticker has some of them otherwise)."""
    return {
        _SHORT[name]: [shortened(unit) for unit in value] if isinstance(value, list) else value
        for name, value in message.items()
    }
