"""What holds at the end of any schedule of faults. Each question returns what is wrong, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.stream.witness import Seen, Witness
from upbit_stream import Gap, MyAsset, MyOrder, Recovered
from upbit_stream.flow.continuity import CHANGED, SILENT, UNREADABLE
from upbit_stream.flow.ordering import HELD_S
from upbit_stream.simulator.accounts import Account, Order
from upbit_stream.simulator.candles import UNIT_MS
from upbit_stream.simulator.dates import utc, utc_iso
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.simulator.market import Trade as Executed
from upbit_stream.simulator.plain import from_units
from upbit_stream.simulator.stats import Stats

AT_THE_END_MS = 2_000  # the newest may be on their way
# Told over REST although executed before the subscription: the exchange tells its time in whole seconds.
CLOCK_MS = 1_000
_MOST = 3  # examples of one problem
_NS = 1_000_000_000


@dataclass
class Window:
    """When something was subscribed: asked for, confirmed, and maybe ended, by the exchange's clock."""

    asked_ms: int
    confirmed_ms: int | None = None
    ended_ms: int | None = None


def _some(what: str, found: Sequence[object]) -> list[str]:
    return [f"{len(found)} {what}: {', '.join(map(str, found[:_MOST]))}"] if found else []


# trades


def trades(witness: Witness, tape: Iterable[Executed], windows: Mapping[str, Window], end_ms: int) -> list[str]:
    """What was delivered is the tape from the first subscription to the end, each trade once, with its values."""
    executed = {trade.sequential_id: trade for trade in tape}
    seen: dict[int, Seen] = {}
    twice, invented, changed, early = [], [], [], []
    for trade in witness.trades:
        if trade.trade_id in seen:
            twice.append((seen[trade.trade_id], trade))
        seen[trade.trade_id] = trade
        real = executed.get(trade.trade_id)
        if real is None or trade.code not in windows:
            invented.append(trade)
        elif not _is_as_executed(trade, real):
            changed.append((trade, real))
        elif trade.stream_type != "SNAPSHOT" and trade.at_ms < windows[trade.code].asked_ms - CLOCK_MS:
            early.append(trade)
    missing = [
        (trade.code, trade.sequential_id, utc(trade.trade_timestamp, "%H:%M:%S"), trade.trade_timestamp)
        for trade in executed.values()
        if trade.sequential_id not in seen and _is_due(trade, windows.get(trade.code), end_ms)
    ]
    return [
        *_some("trades are missing", missing),
        *_some("trades came twice", twice),
        *_some("trades were invented", invented),
        *_some("trades have other values", changed),
        *_some("trades of before the subscription were recovered", early),
    ]


def _is_due(trade: Executed, window: Window | None, end_ms: int) -> bool:
    # What is not subscribed at the end may have been interrupted when it was ended, and is nobody's loss.
    if window is None or window.confirmed_ms is None or window.ended_ms is not None:
        return False
    return window.confirmed_ms < trade.trade_timestamp < end_ms - AT_THE_END_MS


def _is_as_executed(seen: Seen, real: Executed) -> bool:
    exact = (real.price, real.volume, real.side, from_units(real.previous_close_e8))
    values = tuple(float(value) if isinstance(value, float) else value for value in seen.values[:4])
    wanted = tuple(float(had) if isinstance(got, float) else had for got, had in zip(values, exact, strict=True))
    dates = (utc(real.trade_timestamp, "%Y-%m-%d"), utc(real.trade_timestamp, "%H:%M:%S"))
    return (
        values == wanted
        and seen.values[4:] == dates
        and seen.at_ms == real.trade_timestamp
        and seen.code == real.code
        and seen.stream_type in ("SNAPSHOT", "REALTIME", "RECOVERED")
    )


def order(witness: Witness) -> list[str]:
    """From the gap that holds a market's trades back to its end, no live trade comes before a recovered older one."""
    codes = sorted({item.code for item in witness.trades})
    found = [overtaken for code in codes for period in _held(witness, code) for overtaken in _overtaken(period)]
    return _some("live trades came before older recovered ones", found)


def _held(witness: Witness, code: str) -> Iterator[list[Seen]]:
    """What was delivered of a market while it was held back, without what took too long."""
    open_gaps: dict[int, int] = {}
    period: list[Seen] = []
    began_ns = 0
    for item in witness.log:
        if isinstance(item, Seen) and item.code == code and open_gaps:
            period.append(item)
        elif isinstance(item, Gap | Recovered) and (item.message_type, item.code) == ("trade", code):
            if item.number in open_gaps:
                del open_gaps[item.number]
                if not open_gaps and item.at_ns - began_ns < HELD_S * _NS:
                    yield period
            elif isinstance(item, Gap) and not item.lost and _is_told_in_time(item):
                if not open_gaps:
                    period, began_ns = [], item.at_ns
                open_gaps[item.number] = item.at_ns


def _is_told_in_time(gap: Gap) -> bool:
    """What was found missing later is told when it is too late to hold anything back."""
    return gap.reason != UNREADABLE and "audit" not in gap.reason


def _overtaken(period: Sequence[Seen]) -> list[tuple[Seen, Seen]]:
    found = []
    newest: Seen | None = None
    for trade in period:
        if trade.stream_type == "RECOVERED":
            if newest is not None and newest.at_ms > trade.at_ms:
                found.append((newest, trade))
        elif newest is None or trade.at_ms > newest.at_ms:
            newest = trade
    return found


def gaps(witness: Witness, *, is_redundant: bool, is_ordered: bool) -> list[str]:
    """Every gap is told before what comes after it, ends once, and tells how much was recovered in it."""
    books = _Gaps(is_redundant=is_redundant, is_ordered=is_ordered)
    for item in witness.log:
        if isinstance(item, Seen):
            books.trade(item)
        elif isinstance(item, Gap) and item.number not in books.open:
            books.begins(item)
        elif isinstance(item, Gap | Recovered):
            books.ends(item)
    return _some("gaps", books.verdict())


class _Gaps:
    """The book-keeping over the gaps of one witness."""

    def __init__(self, *, is_redundant: bool, is_ordered: bool) -> None:
        self.open: dict[int, Gap] = {}
        self._is_redundant = is_redundant
        self._is_ordered = is_ordered
        self._ended: set[int] = set()
        self._newest_ns: dict[str, int] = {}
        self._recovered: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self._found: list[str] = []

    def trade(self, trade: Seen) -> None:
        if trade.stream_type != "RECOVERED":
            self._newest_ns[trade.code] = max(trade.received_ns, self._newest_ns.get(trade.code, 0))
            return
        self._recovered[trade.code] += 1
        known = {(gap.message_type, gap.code) for gap in self.open.values()}
        # In order, a recovered trade may wait for those of the next gap.
        if ("trade", trade.code) not in known:
            self._found.append(f"recovered outside of any gap: {trade}")

    def begins(self, gap: Gap) -> None:
        if gap.number in self._ended:
            self._found.append(f"a gap's number comes again: {gap}")
        if gap.lost:
            self._ended.add(gap.number)
            if gap.message_type not in ("ticker", "orderbook"):
                self._found.append(f"lost: {gap}")
        else:
            self.open[gap.number] = gap
        # Where the set was replaced, messages of the old one are still on their way; a second connection goes on.
        in_time = _is_told_in_time(gap) and gap.reason not in (CHANGED, SILENT) and not self._is_redundant
        if in_time and gap.message_type == "trade" and self._newest_ns.get(gap.code, 0) >= gap.to_ns:
            self._found.append(f"told after a message after it: {gap}")

    def ends(self, end: Gap | Recovered) -> None:
        gap = self.open.pop(end.number, None)
        self._ended.add(end.number)
        if gap is None or (gap.message_type, gap.code) != (end.message_type, end.code):
            self._found.append(f"ends no gap: {end}")
        if isinstance(end, Gap):
            self._found.append(f"lost: {end}")
        elif end.message_type == "trade":
            self._counted[end.code] += end.count

    def verdict(self) -> list[str]:
        self._found += [f"does not end: {gap}" for gap in self.open.values()]
        if self._counted != self._recovered:
            self._found.append(f"recovered {self._recovered}, told of {self._counted}")
        return self._found


# candles


def candles(
    told: Sequence[Any], exchange: Exchange, windows: Mapping[tuple[str, str], Window], end_ms: int
) -> list[str]:
    """The last word on each candle is the exchange's, and no word is older than the one before."""
    last: dict[tuple[str, str, str], Any] = {}
    older, wrong = [], []
    for candle in told:
        key = (candle.type, candle.code, candle.candle_date_time_utc)
        before = last.get(key)
        if before is not None and candle.candle_acc_trade_volume < before.candle_acc_trade_volume:
            older.append((before, candle))
        last[key] = candle
    for (kind, code), window in windows.items():
        if not kind.startswith("candle.") or window.confirmed_ms is None or window.ended_ms is not None:
            continue
        unit = kind.partition(".")[2]
        for real in exchange.markets[code].candles.page(unit, 10**6):
            is_over = real.start_ms + UNIT_MS[unit] < end_ms - AT_THE_END_MS
            if not is_over or real.timestamp <= window.confirmed_ms:
                continue
            got = last.get((kind, code, utc_iso(real.start_ms)))
            if got is None or not _is_as_traded(got, real):
                wrong.append((kind, code, utc_iso(real.start_ms), real, got))
    return [*_some("words on candles are older than the one before", older), *_some("candles are wrong", wrong)]


def _is_as_traded(got: Any, real: Any) -> bool:
    wanted = (real.open, real.high, real.low, real.close, real.volume)
    values = (got.opening_price, got.high_price, got.low_price, got.trade_price, got.candle_acc_trade_volume)
    return all(value == type(value)(from_units(units)) for value, units in zip(values, wanted, strict=True))


# the account


def orders(told: Sequence[Any], account: Account, window: Window | None) -> list[str]:
    """The newest state told of each order that changed is the account's; what is recovered is news."""
    if window is None or window.confirmed_ms is None:
        return []
    stale: list[object] = []
    newest: dict[str, tuple[Any, bool]] = {}
    for message in told:
        if not isinstance(message, MyOrder):
            continue
        state = (message.executed_volume, message.state in ("done", "cancel"))
        known = newest.get(message.uuid)
        if message.stream_type == "RECOVERED" and known is not None and state <= known:
            stale.append((known, message))
        newest[message.uuid] = state if known is None else max(state, known)
    wrong = [
        (order, newest.get(order.uuid))
        for order in (*account.open.values(), *account.closed.values())
        if _changed_ms(order) > window.confirmed_ms and newest.get(order.uuid) != _state(order)
    ]
    return [*_some("orders were recovered though known", stale), *_some("orders are not as told", wrong)]


def _changed_ms(order: Order) -> int:
    return max(order.order_timestamp, order.trade_timestamp or 0, order.closed_ms)


def _state(order: Order) -> tuple[Any, bool]:
    return from_units(order.volume - order.remaining), order.state != "wait"


def balances(told: Sequence[Any], account: Account, window: Window | None) -> list[str]:
    """The last balance told of each currency is the account's; what is recovered is news."""
    if window is None or window.confirmed_ms is None:
        return []
    known: dict[str, tuple[Any, Any]] = {}
    stale = []
    for message in told:
        if not isinstance(message, MyAsset):
            continue
        for asset in message.assets:
            if message.stream_type == "RECOVERED" and known.get(asset.currency) == (asset.balance, asset.locked):
                stale.append(message)
            known[asset.currency] = (asset.balance, asset.locked)
    wrong = []
    for currency, (balance, locked) in known.items():
        real = account.balances[currency]
        if (balance, locked) != (from_units(real.free, 20), from_units(real.locked, 20)):
            wrong.append((currency, (balance, locked), real))
    return [*_some("balances were recovered though known", stale), *_some("balances are not as told", wrong)]


# the exchange's limits


def limits(stats: Stats) -> list[str]:
    """Nothing was overstepped by the client's doing."""
    counts = {
        name: getattr(stats, name)
        for name in ("connects_over_budget", "messages_over_budget", "rest_over_budget", "idle_closes", "nonces_reused")
    }
    return [f"{name}: {count}" for name, count in counts.items() if count]
