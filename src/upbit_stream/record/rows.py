"""What a resumed recording needs to know of a row, without decoding the rest of it.

Owns the names of these fields in the long and the short formats. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from upbit_stream.wire.decoder import UNREADABLE


class Row(Struct, gc=False):
    """What all rows have."""

    received_at_ns: int
    type: str = ""
    ty: str = ""
    code: str = ""
    cd: str = ""
    stream_type: Any = ""  # types that are new may use the short name in their own way
    st: Any = ""

    @property
    def name(self) -> str:
        """The type, or ""."""
        return self.type or self.ty

    @property
    def market(self) -> str:
        """The code, or ""."""
        return self.code or self.cd

    @property
    def is_recovered(self) -> bool:
        """Whether it was fetched after the fact."""
        return self.stream_type == "RECOVERED" or (self.type == "" and self.st == "RECOVERED")


class TradeRow(Row, gc=False):
    """A trade."""

    sequential_id: int = 0
    sid: int = 0
    trade_timestamp: int = 0
    ttms: int = 0

    @property
    def id(self) -> int:
        """The ``sequential_id``, or 0."""
        return self.sequential_id or self.sid

    @property
    def traded_at_ms(self) -> int:
        """The ``trade_timestamp``, ms since the epoch."""
        return self.trade_timestamp or self.ttms


class CandleRow(Row, gc=False):
    """A candle, as it stood."""

    candle_date_time_utc: str = ""
    cdttmu: str = ""
    timestamp: int = 0
    tms: int = 0
    candle_acc_trade_volume: float = 0.0
    catv: float = 0.0

    @property
    def begin(self) -> str:
        """The ``candle_date_time_utc``, or ""."""
        return self.candle_date_time_utc or self.cdttmu

    @property
    def state(self) -> tuple[int, float]:
        """What grows with each version of it: ``timestamp`` and ``candle_acc_trade_volume``."""
        return self.timestamp or self.tms, self.candle_acc_trade_volume or self.catv


RowT = TypeVar("RowT", bound=Row)


def row_reader(kind: type[RowT]) -> Callable[[bytes], RowT | None]:
    """What makes such a row of a line, or None where the line is none.

    >>> row_reader(TradeRow)(b'{"ty":"trade","cd":"SGD-BTC","sid":17,"received_at_ns":1}').id
    17
    """
    decode = msgspec.json.Decoder(kind).decode

    def read(line: bytes) -> RowT | None:
        try:
            return decode(line)
        except UNREADABLE:
            return None

    return read
