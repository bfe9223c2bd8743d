import random

from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.simulator.book import LEVELS, Book, Side
from upbit_stream.simulator.instruments import instrument


def resting(book: Book, side: Side) -> dict[int, int]:
    if side == "ASK":
        return {unit.ask_price: unit.ask_size for unit in book.units(LEVELS)}
    return {unit.bid_price: unit.bid_size for unit in book.units(LEVELS)}


@given(st.sampled_from(["ASK", "BID"]), st.integers(0, 1_000), st.floats(0.01, 3))
def test_a_trade_takes_from_the_best_price_and_nothing_else(taker: Side, seed: int, part: float) -> None:
    book = Book(instrument("SGD-BTC"), random.Random(seed))
    hit: Side = "ASK" if taker == "BID" else "BID"
    before, other = resting(book, hit), resting(book, taker)
    best = next(iter(before))
    asked = int(before[best] * part) + 1
    fill = book.take(taker, asked)
    assert fill.price == best
    assert fill.volume == min(asked, before[best])
    after = resting(book, hit)
    left = before[best] - fill.volume
    assert after.get(best) == (left or None)
    kept = {price: size for price, size in before.items() if price != best}
    assert {price: after[price] for price in kept} == kept
    assert len(after) == LEVELS
    improved = set(resting(book, taker)) - set(other)
    assert len(improved) <= (0 if left else 1)


@given(st.integers(0, 1_000))
def test_between_trades_one_size_changes_at_a_time(seed: int) -> None:
    book = Book(instrument("SGD-BTC"), random.Random(seed))
    for _ in range(50):
        before = resting(book, "ASK") | resting(book, "BID")
        book.stir()
        after = resting(book, "ASK") | resting(book, "BID")
        changed = [price for price in before if after.get(price) != before[price]]
        assert len(changed) <= 2
        assert book.best.bid_price < book.best.ask_price
