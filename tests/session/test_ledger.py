import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.session import ledger as module
from upbit_stream.session.ledger import KEPT_AT_LEAST, KEPT_AT_MOST, KEPT_NS, Ledger

CODE = "SGD-BTC"
SECOND = 1_000_000_000


class Spared(dict[str, dict[int, int]]):
    """What a ledger said goes; nothing may go twice."""

    def __call__(self, code, ids):
        had = self.setdefault(code, {})
        assert not had.keys() & ids.keys()
        had.update(ids)


def filled(times, code=CODE):
    ledger = Ledger()
    for sequential_id, received_ns in enumerate(times):
        ledger.add(code, sequential_id, received_ns)
    return ledger


def test_a_trade_is_new_once_in_each_market():
    ledger = Ledger()
    assert ledger.add(CODE, 17, 5)
    assert not ledger.add(CODE, 17, 6)
    assert ledger.add("SGD-ETH", 17, 7)
    assert (ledger.received_ns(CODE, 17), ledger.received_ns("SGD-ETH", 17)) == (5, 7)


def test_to_ask_for_what_is_unknown_notes_nothing():
    ledger = Ledger()
    assert ledger.received_ns(CODE, 17) is None
    assert ledger.newest_ns(CODE) is None
    assert not ledger.codes


def test_the_newest_is_the_one_that_was_received_last():
    ledger = filled([3, 8])
    assert ledger.newest_ns(CODE) == 8
    ledger.add(CODE, 99, 11)
    assert ledger.newest_ns(CODE) == 11


def test_what_an_earlier_run_received_comes_before():
    ledger = Ledger()
    ledger.add(CODE, 1, 100)
    ledger.load(CODE, {3: 30, 2: 20, 1: 10})
    assert list(ledger.codes[CODE].items()) == [(2, 20), (3, 30), (1, 100)]
    assert ledger.newest_ns(CODE) == 100


def test_an_earlier_run_that_received_nothing_loads_nothing():
    ledger = Ledger()
    ledger.load(CODE, {})
    assert ledger.newest_ns(CODE) is None


def test_a_quiet_market_keeps_its_last_trades_however_old():
    ledger = filled([day * 86_400 * SECOND for day in range(KEPT_AT_LEAST)])
    spared = Spared()
    ledger.prune(spared)
    assert (len(ledger.codes[CODE]), spared) == (KEPT_AT_LEAST, {})


def test_a_market_that_wakes_up_keeps_its_newest():
    ledger = filled([*range(100), 10 * KEPT_NS])
    spared = Spared()
    ledger.prune(spared)
    assert list(ledger.codes[CODE]) == list(range(101 - KEPT_AT_LEAST, 101))
    assert spared == {CODE: {number: number for number in range(101 - KEPT_AT_LEAST)}}


def test_nothing_goes_before_half_of_it_is_old():
    ledger = filled(range(0, 2 * KEPT_NS, KEPT_NS // 100))
    spared = Spared()
    ledger.prune(spared)
    assert spared == {}
    ledger.add(CODE, 1_000, 2 * KEPT_NS)
    ledger.prune(spared)
    assert min(ledger.codes[CODE].values()) == KEPT_NS
    assert max(spared[CODE].values()) < KEPT_NS


def test_a_flood_is_cut_to_half_of_the_bound():
    ledger = filled(range(KEPT_AT_MOST))
    spared = Spared()
    ledger.prune(spared)
    assert spared == {}
    ledger.add(CODE, KEPT_AT_MOST, KEPT_AT_MOST)
    ledger.prune(spared)
    assert list(ledger.codes[CODE]) == list(range(KEPT_AT_MOST // 2 + 1, KEPT_AT_MOST + 1))
    assert list(spared[CODE]) == list(range(KEPT_AT_MOST // 2 + 1))


def test_the_market_next_to_one_that_is_pruned_is_left_as_it_is():
    ledger = filled([*range(100), 10 * KEPT_NS])
    ledger.add("SGD-ETH", 1, 1)
    ledger.prune(lambda code, ids: None)
    assert ledger.received_ns("SGD-ETH", 1) == 1


@pytest.fixture
def small(monkeypatch):
    """Bounds that a few trades reach."""
    monkeypatch.setattr(module, "KEPT_AT_LEAST", 4)
    monkeypatch.setattr(module, "KEPT_AT_MOST", 20)
    monkeypatch.setattr(module, "KEPT_NS", 100)


@pytest.mark.usefixtures("small")
def test_whatever_comes_is_kept_or_spared_and_the_newest_are_kept():
    @given(
        st.lists(
            st.one_of(
                st.tuples(st.sampled_from("AB"), st.integers(0, 60), st.sampled_from([0, 1, 7, 40, 250])), st.none()
            ),
            max_size=150,
        )
    )
    def holds(steps):
        ledger, spared, now = Ledger(), [], 0
        added: dict[str, dict[int, int]] = {"A": {}, "B": {}}

        def spare(code, ids):
            spared.extend((code, *item) for item in ids.items())
            for sequential_id in ids:
                assert added[code].pop(sequential_id) == ids[sequential_id]

        for step in steps:
            if step is not None:
                code, sequential_id, later = step
                now += later
                assert ledger.add(code, sequential_id, now) == (sequential_id not in added[code])
                added[code].setdefault(sequential_id, now)
                continue
            before = {code: dict(ids) for code, ids in added.items()}
            ledger.prune(spare)
            for code, ids in before.items():
                kept = ledger.codes.get(code, {})
                assert dict(kept) == added[code]  # all that was not spared, in the order of arrival
                assert list(kept) == list(ids)[len(ids) - len(kept) :]
                assert len(kept) >= min(4, len(ids))
                assert len(kept) <= 20
                if len(ids) <= 20:
                    young = [each for each, at in ids.items() if at >= max(ids.values()) - 100]
                    assert kept.keys() >= set(young)
                if len(kept) > 4:
                    assert max(kept.values()) - min(kept.values()) < 200

    holds()
