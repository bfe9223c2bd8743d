"""A client for Upbit's WebSocket API that keeps its streams alive and honest.

>>> from upbit_stream import Stream, Trade, OrderBook

`Stream` is the way in; the messages, events and errors are here, too.
"""

from upbit_stream._version import __version__
from upbit_stream.errors import (
    AuthenticationError,
    BudgetUnavailable,
    ConnectionFailed,
    ExchangeError,
    HandshakeRefused,
    InsecureConnection,
    InvalidSubscription,
    MalformedMessage,
    RecordingError,
    RequestFailed,
    RetriesExhausted,
    StreamClosed,
    SubscriptionRejected,
    UpbitStreamError,
    UsageError,
)
from upbit_stream.flow.subscriber import Subscriber
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.events import Connected, Disconnected, Dropped, Event, Gap, Malformed, Recovered, Resubscribed
from upbit_stream.model.marks import Mark, Unfilled
from upbit_stream.model.messages import (
    Announcement,
    AnyMessage,
    Asset,
    Candle,
    Indicator,
    IndicatorSignal,
    Message,
    MyAsset,
    MyOrder,
    OrderBook,
    OrderBookUnit,
    Ticker,
    Trade,
    Unknown,
)
from upbit_stream.model.raw import RawMessage
from upbit_stream.model.subscription import Subscription
from upbit_stream.record.reading import read_recording
from upbit_stream.record.recorder import Recorder
from upbit_stream.run import run
from upbit_stream.stream import Stream
from upbit_stream.wire.decoder import Decoder

__all__ = [
    "Announcement",
    "AnyMessage",
    "Asset",
    "AuthenticationError",
    "BudgetUnavailable",
    "Candle",
    "Connected",
    "ConnectionFailed",
    "Credentials",
    "Decoder",
    "Disconnected",
    "Dropped",
    "Event",
    "ExchangeError",
    "Gap",
    "HandshakeRefused",
    "Indicator",
    "IndicatorSignal",
    "InsecureConnection",
    "InvalidSubscription",
    "Malformed",
    "MalformedMessage",
    "Mark",
    "Message",
    "MyAsset",
    "MyOrder",
    "OrderBook",
    "OrderBookUnit",
    "RawMessage",
    "Recorder",
    "RecordingError",
    "Recovered",
    "RequestFailed",
    "Resubscribed",
    "RetriesExhausted",
    "Stream",
    "StreamClosed",
    "Subscriber",
    "Subscription",
    "SubscriptionRejected",
    "Ticker",
    "Trade",
    "Unfilled",
    "Unknown",
    "UpbitStreamError",
    "UsageError",
    "__version__",
    "read_recording",
    "run",
]
