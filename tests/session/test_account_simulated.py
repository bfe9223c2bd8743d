"""A simulated account and a live feed with holes: with what is told after each hole, a consumer knows the account."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulator.asking import ask
from tests.simulator.conftest import token

from upbit_stream.model.messages import MyAsset, MyOrder
from upbit_stream.session.account import Balances, Orders
from upbit_stream.simulator import DEFAULT_ACCESS_KEY, Exchange, Session, Upgrade
from upbit_stream.wire.decoder import Decoder
from upbit_stream.wire.rest import BalanceRow, OrderRow, read_balances, read_orders

START_MS = 1_790_000_000_000
FINAL = ("done", "cancel")


@dataclass
class Consumer:
    """What was told, in the order of telling; an order as (how much is executed, how it ended)."""

    orders: dict[str, tuple[Decimal, str]] = field(default_factory=dict)
    balances: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    recovered: set[tuple[str, str, Decimal]] = field(default_factory=set)

    def recover(self, row: OrderRow) -> None:
        key = (row.uuid, row.state, row.executed_volume)
        assert key not in self.recovered, "told twice"
        self.recovered.add(key)
        now = (row.executed_volume, row.state if row.state in FINAL else "")
        before = self.orders.get(row.uuid)
        if before is not None:
            assert now != before, "told again what the stream told"
            assert not before[1], "told after the end"
            assert now[0] >= before[0], "told an older state"
        self.orders[row.uuid] = now


class World:
    """The account, its feed, and the driver of a recovery."""

    def __init__(self) -> None:
        self.exchange = Exchange(start_ms=START_MS, trade_rate=0, private_rate=0, limits_enforced=False)
        self.consumer = Consumer()
        self.orders, self.balances = Orders(), Balances()
        self.decoder = Decoder()
        self.session: Session | None = None
        self.subscribed_ms = 0
        self.existing: set[str] = set()

    @property
    def now_ms(self) -> int:
        return self.exchange.agenda.now_ms

    def act(self, act: tuple[str, int, int]) -> None:
        """Something happens to the account, and a consumer hears of it if it is connected."""
        kind, chosen, ms = act
        now_ms = self.now_ms + ms
        self.exchange.advance(now_ms)
        known = list(self.exchange.accounts[DEFAULT_ACCESS_KEY].open)
        uuid = known[chosen % len(known)] if known else ""
        if kind == "place" or not uuid:
            side: Any = ("BID", "ASK")[chosen % 2]
            self.exchange.place_order(DEFAULT_ACCESS_KEY, "SGD-BTC", side, 130_000, "1.0", now_ms=now_ms)
        elif kind == "cancel":
            self.exchange.cancel_order(DEFAULT_ACCESS_KEY, uuid, now_ms=now_ms)
        else:
            self.exchange.fill_order(DEFAULT_ACCESS_KEY, uuid, "0.3" if kind == "fill" else "1", now_ms=now_ms)
        self.hear()

    def connect(self) -> None:
        headers = {"authorization": token()}
        session = self.exchange.connect(Upgrade("/websocket/v1/private", headers, "192.0.2.1"), self.now_ms)
        assert isinstance(session, Session)
        request = [{"ticket": "t"}, {"type": "myOrder"}, {"type": "myAsset"}]
        session.receive_text(json.dumps(request), self.now_ms)
        self.session = session

    def hear(self) -> None:
        for frame in self.session.take_output() if self.session else ():
            (message,) = self.decoder.decode(frame.payload, self.now_ms * 1_000_000)
            if isinstance(message, MyOrder):
                self.orders.seen(message)
                ended = message.state if message.state in FINAL else ""
                self.consumer.orders[message.uuid] = (message.executed_volume or Decimal(0), ended)
            elif isinstance(message, MyAsset):
                self.balances.seen(message)
                for asset in message.assets:
                    self.consumer.balances[asset.currency] = (asset.balance, asset.locked)

    def asked(self, path: str, **parameters: Any) -> bytes:
        return ask(self.exchange, path, private=True, **parameters).body

    def open_rows(self) -> list[OrderRow]:
        return read_orders(self.asked("/v1/orders/open", states=["wait", "watch"]))

    def closed_rows(self, since_ms: int) -> list[OrderRow]:
        return read_orders(self.asked("/v1/orders/closed", limit=1000, start_time=since_ms - 60_000))

    def balance_rows(self) -> list[BalanceRow]:
        return read_balances(self.asked("/v1/accounts"))

    def recover(self, since_ms: int, between: list[list[Any]]) -> None:
        """As after a gap, while the account goes on."""

        def meanwhile() -> None:
            for act in between.pop(0) if between else ():
                self.act(act)

        open_rows = self.open_rows()
        meanwhile()
        closed_rows = self.closed_rows(since_ms)
        meanwhile()
        self.deliver(self.orders.changed(open_rows, closed_rows, since_ms))
        if uuids := self.orders.missing(open_rows, closed_rows):
            named = read_orders(self.asked("/v1/orders/uuids", uuids=uuids))
            meanwhile()
            self.deliver(self.orders.changed([], named, since_ms))
        asked_at_ns = self.now_ms * 1_000_000
        rows = self.balance_rows()
        meanwhile()
        for row in self.balances.changed(rows, asked_at_ns):
            assert self.consumer.balances.get(row.currency) != (row.balance, row.locked), "told again"
            self.consumer.balances[row.currency] = (row.balance, row.locked)

    def deliver(self, rows: list[OrderRow]) -> None:
        for row in rows:
            self.consumer.recover(row)

    def check(self, *, without: frozenset[str] = frozenset()) -> None:
        """A consumer knows all that happened since it subscribed."""
        account = self.exchange.accounts[DEFAULT_ACCESS_KEY]
        for order in (*account.open.values(), *account.closed.values()):
            if order.uuid not in without:
                executed = Decimal(order.volume - order.remaining) / 10**8
                ended = order.state if order.state in FINAL else ""
                assert self.consumer.orders[order.uuid] == (executed, ended)
        for row in self.balance_rows():
            assert self.consumer.balances[row.currency] == (row.balance, row.locked)


kinds = st.sampled_from(["place", "place", "fill", "fill", "finish", "cancel"])
acts = st.lists(st.tuples(kinds, st.integers(0, 9), st.integers(1, 9_000)), max_size=5)


@dataclass
class Round:
    """A time of hearing, a hole, and what is done about it."""

    heard: list[Any]
    unheard: list[Any]
    between: list[list[Any]]
    how: str


rounds = st.builds(
    Round, acts, acts, st.lists(acts, max_size=4), st.sampled_from(["recovered", "old answer first", "twice", "failed"])
)
steady = settings(derandomize=True, deadline=None, max_examples=150)


@steady
@given(before=acts, ahead=acts, rounds=st.lists(rounds, min_size=1, max_size=5))
def test_a_consumer_knows_the_account_after_holes(before, ahead, rounds):
    world = World()
    for act in before:
        world.act(act)
    existing = world.exchange.accounts[DEFAULT_ACCESS_KEY]
    known_before = {*existing.open, *existing.closed}
    world.exchange.advance(world.now_ms + 1)
    world.connect()
    rows, balances = world.open_rows(), world.balance_rows()
    for act in ahead:  # heard while the baseline is on its way
        world.act(act)
    world.orders.baseline(rows, world.now_ms)
    world.balances.baseline(balances)
    for row in rows:
        world.consumer.orders.setdefault(row.uuid, (row.executed_volume, ""))
    for told in balances:
        world.consumer.balances.setdefault(told.currency, (told.balance, told.locked))
    without = frozenset(known_before - {row.uuid for row in rows})
    go_on(world, rounds)
    world.check(without=without)


@steady
@given(before=acts, rounds=st.lists(rounds, min_size=1, max_size=4))
def test_without_a_baseline_a_consumer_knows_what_happened_since_it_subscribed(before, rounds):
    world = World()
    for act in before:
        world.act(act)
    existing = world.exchange.accounts[DEFAULT_ACCESS_KEY]
    without = frozenset({*existing.open, *existing.closed})
    world.exchange.advance(world.now_ms + 1)
    world.connect()
    go_on(world, rounds)
    world.check(without=without)


def go_on(world: World, rounds: list[Round]) -> None:
    owed_ms = None
    for one in rounds:
        for act in one.heard:
            world.act(act)
        since_ms = world.now_ms if owed_ms is None else owed_ms
        world.session = None
        stale = world.open_rows(), world.closed_rows(since_ms)
        for act in one.unheard:
            world.act(act)
        world.exchange.advance(world.now_ms + 1_000)
        world.connect()
        if one.how == "failed":
            owed_ms = since_ms
            continue
        if one.how == "old answer first":
            world.deliver(world.orders.changed(*stale, since_ms))
        world.recover(since_ms, list(one.between))
        owed_ms = None
        if one.how == "twice":
            world.recover(since_ms, [])
    if owed_ms is not None:
        world.recover(owed_ms, [])
