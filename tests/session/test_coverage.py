from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.session.coverage import Coverage, First, Hole

X, Y = ("trade", "SGD-BTC"), ("ticker", "SGD-ETH")


class Bench:
    """A coverage, and a book of when each key was received last."""

    def __init__(self, *keys):
        self.keys = keys or (X,)
        self.last = {}
        self.coverage = Coverage(self.last.get)

    def up(self, session, at, *keys, snapshot=True):
        """A session asks, is confirmed and hears its keys, all at that moment. What the keys said first."""
        keys = keys or self.keys
        holes = self.coverage.asking(session, keys, at, "replaced")
        self.coverage.registered(session, at)
        return holes, [self.hear(session, at, key, snapshot=snapshot) for key in keys]

    def hear(self, session, at, key=X, *, snapshot=True):
        first = self.coverage.heard(session, key, at, is_snapshot=snapshot)
        self.last[key] = at
        return first

    def down(self, session, alive_at, reason="lost"):
        return self.coverage.ended(session, alive_at, reason)


# one connection


def test_the_first_sign_of_a_key_begins_it_and_is_told_once():
    bench = Bench()
    bench.coverage.asking("a", [X], 10, "connected")
    assert bench.coverage.awaits("a")
    first = bench.hear("a", 12)
    assert first == First(X, begins=True, hole=None)
    assert first.asked_ns == 10
    assert not bench.coverage.awaits("a")
    assert bench.hear("a", 13) is None
    assert bench.coverage.covered() == [X]


def test_a_hole_lasts_from_the_last_message_before_to_the_first_after():
    bench = Bench()
    bench.up("a", 10)
    bench.hear("a", 17)
    assert bench.down("a", 20, "lost") == []
    assert bench.coverage.covered() == []
    bench.coverage.asking("b", [X], 30, "connected")
    bench.coverage.registered("b", 31)
    assert bench.coverage.covered() == []  # the first message ends the hole, not the confirmation
    assert bench.hear("b", 35) == First(X, begins=False, hole=Hole(X, 17, 35, "lost"))
    assert bench.hear("b", 36) is None


def test_where_nothing_was_received_a_hole_begins_with_the_confirmation():
    bench = Bench()
    bench.coverage.asking("a", [X], 10, "connected")
    bench.coverage.registered("a", 11)
    bench.down("a", 20)
    bench.coverage.asking("b", [X], 30, "connected")
    first = bench.hear("b", 35)
    assert first is not None
    assert first.hole == Hole(X, 11, 35, "lost")


def test_what_was_asked_for_and_never_confirmed_was_never_covered():
    bench = Bench()
    bench.coverage.asking("a", [X], 10, "connected")
    assert bench.down("a", 20) == []
    assert not bench.coverage.awaits("a")
    bench.coverage.asking("b", [X], 30, "connected")
    assert bench.hear("b", 35) == First(X, begins=True, hole=None)


def test_a_session_that_ends_twice_or_never_asked_tells_nothing():
    bench = Bench()
    assert bench.down("a", 20) == []
    assert not bench.coverage.awaits("a")
    bench.up("a", 30)
    bench.down("a", 40)
    assert bench.down("a", 50) == []


def test_a_message_of_a_session_that_is_over_covers_nothing():
    bench = Bench()
    bench.up("a", 10)
    bench.down("a", 20)
    assert bench.hear("a", 25) is None
    assert bench.coverage.covered() == []


def test_several_failures_in_a_row_are_one_hole_with_the_first_reason():
    bench = Bench()
    bench.up("a", 10)
    bench.down("a", 20, "first")
    for session in "bcd":
        bench.coverage.asking(session, [X], 30, "connected")
        bench.coverage.registered(session, 31)
        assert bench.down(session, 40, "again") == []
    _, [first] = bench.up("e", 50)
    assert first.hole == Hole(X, 10, 50, "first")


# a set that is replaced


def test_after_a_change_on_a_living_connection_only_a_snapshot_is_a_sign():
    """Messages of the set before may still be on their way."""
    bench = Bench()
    bench.up("a", 10)
    assert bench.coverage.asking("a", [X, Y], 20, "changed") == []
    assert bench.hear("a", 21, snapshot=False) is None
    assert bench.hear("a", 22, snapshot=False) is None
    first = bench.hear("a", 23, snapshot=True)
    assert first == First(X, begins=False, hole=Hole(X, 10, 23, "changed"))


def test_after_the_confirmation_any_message_is_a_sign():
    bench = Bench()
    bench.up("a", 10)
    bench.coverage.asking("a", [X], 20, "changed")
    assert bench.hear("a", 21, snapshot=False) is None
    bench.coverage.registered("a", 22)
    first = bench.hear("a", 23, snapshot=False)
    assert first == First(X, begins=False, hole=Hole(X, 10, 23, "changed"))


def test_on_a_new_connection_any_message_is_a_sign():
    bench = Bench()
    bench.coverage.asking("a", [X], 20, "connected")
    assert bench.hear("a", 21, snapshot=False) == First(X, begins=True, hole=None)


def test_what_is_unsubscribed_is_forgotten_and_begins_anew():
    bench = Bench(X, Y)
    bench.up("a", 10)
    bench.up("a", 20, Y)
    assert bench.coverage.covered() == [Y]
    _, firsts = bench.up("a", 90, X, Y)
    assert firsts == [First(X, begins=True, hole=None), First(Y, begins=False, hole=Hole(Y, 20, 90, "replaced"))]


def test_what_one_connection_still_has_is_not_forgotten():
    bench = Bench(X, Y)
    bench.up("a", 10)
    bench.up("b", 10)
    bench.up("a", 20, Y)
    assert bench.coverage.covered() == [Y, X]
    bench.down("b", 30, "lost")
    _, firsts = bench.up("a", 40, X, Y)
    assert firsts[0] == First(X, begins=False, hole=Hole(X, 10, 40, "lost"))


# keys that stay silent


def test_a_key_that_does_not_speak_is_covered_since_it_was_confirmed():
    bench = Bench()
    bench.coverage.asking("a", [X, Y], 10, "connected")
    assert bench.coverage.unheard("a", [X, Y]) == []  # not confirmed yet
    bench.coverage.registered("a", 12)
    assert bench.coverage.unheard("a", [X]) == [First(X, begins=True, hole=None)]
    assert bench.coverage.awaits("a")
    assert bench.coverage.unheard("a", [X, Y]) == [First(Y, begins=True, hole=None)]
    assert not bench.coverage.awaits("a")
    assert bench.coverage.unheard("b", [X]) == []


def test_a_hole_that_no_message_ends_ends_with_the_confirmation():
    bench = Bench()
    bench.up("a", 10)
    bench.down("a", 20)
    bench.coverage.asking("b", [X], 30, "connected")
    bench.coverage.registered("b", 31)
    assert bench.coverage.unheard("b", [X]) == [First(X, begins=False, hole=Hole(X, 10, 31, "lost"))]


# an earlier run


def test_a_resumed_key_begins_with_a_hole_since_the_earlier_run():
    bench = Bench()
    bench.coverage.resume(X, 5, "not running")
    bench.coverage.asking("a", [X, Y], 20, "connected")
    bench.coverage.registered("a", 21)
    assert bench.coverage.covered() == [Y]
    assert bench.hear("a", 22) == First(X, begins=False, hole=Hole(X, 5, 22, "not running"))
    assert bench.hear("a", 22, Y) == First(Y, begins=True, hole=None)


def test_a_resumed_key_that_is_subscribed_later_still_has_its_hole():
    bench = Bench()
    bench.coverage.resume(X, 5, "not running")
    bench.up("a", 20, Y)
    _, firsts = bench.up("a", 30, X, Y)
    assert firsts[0] == First(X, begins=False, hole=Hole(X, 5, 30, "not running"))


def test_a_clock_that_was_set_back_makes_no_hole_that_ends_before_it_begins():
    bench = Bench()
    bench.coverage.resume(X, 500, "not running")
    _, [first] = bench.up("a", 20)
    assert first.hole == Hole(X, 500, 500, "not running")


# several connections


def test_no_hole_where_another_connection_covers():
    bench = Bench()
    bench.up("a", 10)
    bench.up("b", 15)
    assert bench.down("a", 20) == []
    assert bench.up("c", 30) == ([], [First(X, begins=False, hole=None)])
    assert bench.down("b", 40) == []


def test_a_key_begins_once_however_many_connections_carry_it():
    bench = Bench()
    assert bench.up("a", 10)[1] == [First(X, begins=True, hole=None)]
    assert bench.up("b", 11)[1] == [First(X, begins=False, hole=None)]


def test_a_connection_that_was_dead_before_the_other_began_reveals_a_hole_that_is_over():
    bench = Bench()
    bench.up("a", 10)
    bench.last[X] = 12
    bench.coverage.asking("b", [X], 40, "connected")
    bench.coverage.registered("b", 41)
    assert bench.down("a", 20, "no pong") == [Hole(X, 12, 41, "no pong")]
    assert bench.hear("b", 50) == First(X, begins=False, hole=None)


def test_one_that_was_dead_while_the_other_ended_reveals_the_time_of_neither():
    bench = Bench()
    bench.up("a", 0)
    bench.up("b", 10)
    bench.last[X] = 80
    assert bench.down("b", 80) == []  # a is thought to be alive
    bench.up("c", 100)
    bench.last[X] = 1_000
    assert bench.down("a", 50, "no pong") == [Hole(X, 80, 100, "no pong")]


def test_a_hole_that_is_over_ended_with_the_first_that_came_back():
    bench = Bench()
    bench.up("a", 10)
    bench.up("b", 30)
    bench.up("c", 50)
    bench.last[X] = 18
    assert bench.down("a", 20, "no pong") == [Hole(X, 18, 30, "no pong")]


def test_a_hole_is_told_once_however_many_come_back():
    bench = Bench()
    bench.up("a", 10)
    bench.down("a", 20)
    _, [first] = bench.up("b", 30)
    assert first.hole is not None
    assert bench.up("c", 40) == ([], [First(X, begins=False, hole=None)])


def test_a_connection_covers_since_its_confirmation_though_it_speaks_later():
    bench = Bench()
    bench.up("a", 10)
    bench.coverage.asking("b", [X], 14, "connected")
    bench.coverage.registered("b", 15)
    bench.hear("b", 40)
    assert bench.down("a", 20, "no pong") == []


def test_a_connection_that_was_dead_when_it_was_confirmed_covered_until_then():
    bench = Bench()
    bench.up("a", 20)
    bench.last[X] = 1_000
    bench.down("a", 15)
    _, [first] = bench.up("b", 30)
    assert first.hole == Hole(X, 20, 30, "lost")


def test_a_chain_of_short_lives_bridges_the_time_of_a_dead_connection():
    bench = Bench()
    bench.up("dead", 0)
    for number in range(16):
        bench.up(number, 10 * number)
        if number:
            assert bench.down(number - 1, 10 * number + 1) == []
    bench.last[X] = 1_000
    assert bench.down("dead", 5) == []
    assert bench.down(15, 170) == []
    _, [first] = bench.up("new", 180)
    assert first.hole == Hole(X, 170, 180, "lost")


def test_all_dead_is_a_hole_since_the_last_of_them():
    bench = Bench()
    for session in "abc":
        bench.up(session, 10)
    bench.last[X] = 1_000
    assert [bench.down(session, alive) for session, alive in (("a", 30), ("b", 50), ("c", 20))] == [[], [], []]
    _, [first] = bench.up("d", 60)
    assert first.hole == Hole(X, 50, 60, "lost")


# against an oracle


@dataclass
class Life:
    """What is true of one session: when the exchange sent, when that was told, when it was lost."""

    asked: int
    registered: int | None = None
    signs: dict | None = None  # key: the first moment from which it certainly is covered
    dead: int | None = None  # nothing arrives any more, and nobody knows yet


KEYS = (X, Y, ("candle.1m", "SGD-BTC"))
moves = st.lists(
    st.tuples(
        st.sampled_from(["ask", "register", "hear", "hear", "die", "end", "unheard"]),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=60,
)


class World:
    """Sessions in three places at random moments, what they tell, and the truth beside it."""

    def __init__(self):
        self.now = 0
        self.newest = {}
        self.coverage = Coverage(self.newest.get)
        self.places: list[tuple[str, Life] | None] = [None, None, None]
        self.count = 0
        self.covered = {key: [] for key in KEYS}  # (from, until) in truth
        self.holes = []
        self.begun = dict.fromkeys(KEYS, 0)

    def move(self, what, place, key):
        self.now += 10
        getattr(self, what)(place, KEYS[key])

    def first(self, first):
        if first is not None:
            self.begun[first.key] += first.begins
            if first.hole:
                self.holes.append(first.hole)

    def ask(self, place, key):
        if self.places[place] is None:
            self.count += 1
            self.places[place] = (f"session {self.count}", Life(self.now, signs={}))
        name, life = self.places[place]
        if life.dead is None:
            self.over(life, self.now)
            life.registered, life.signs = None, {}
            self.holes += self.coverage.asking(name, KEYS, self.now, "changed")

    def register(self, place, key):
        if self.lives(place):
            name, life = self.places[place]
            if life.registered is None:
                life.registered = self.now
                for each in KEYS:
                    life.signs.setdefault(each, self.now)
                self.coverage.registered(name, self.now)

    def hear(self, place, key):
        if self.lives(place):
            name, life = self.places[place]
            life.signs.setdefault(key, self.now)
            self.first(self.coverage.heard(name, key, self.now, is_snapshot=True))
            self.newest[key] = self.now

    def unheard(self, place, key):
        if self.lives(place):
            for first in self.coverage.unheard(self.places[place][0], KEYS):
                self.first(first)

    def die(self, place, key):
        if self.lives(place):
            self.places[place][1].dead = self.now

    def end(self, place, key):
        if self.places[place] is not None:
            name, life = self.places[place]
            alive = self.now if life.dead is None else life.dead
            self.over(life, alive)
            self.holes += self.coverage.ended(name, alive, "lost")
            self.places[place] = None

    def lives(self, place):
        return self.places[place] is not None and self.places[place][1].dead is None

    def over(self, life, at):
        for key, since in life.signs.items():
            self.covered[key].append((since, max(since, at)))

    def finish(self):
        """All are lost, and one comes back that stays."""
        for place in range(3):
            self.now += 10
            self.end(place, X)
        for what in ("ask", "register", *(["hear"] * 3)):
            self.now += 10
            for key in range(3):
                getattr(self, what)(0, KEYS[key])
        self.over(self.places[0][1], self.now)

    def uncovered(self, key):
        """The moments between the first coverage and now that no session covered."""
        spans = self.covered[key]
        begin = min(since for since, _ in spans)
        return [at for at in range(begin, self.now, 5) if not any(since <= at < until for since, until in spans)]


@given(moves)
@settings(max_examples=300)
def test_every_uncovered_moment_is_in_a_hole_and_no_hole_is_without_one(steps):
    world = World()
    for step in steps:
        world.move(*step)
    world.finish()
    for key in KEYS:
        holes = [hole for hole in world.holes if hole.key == key]
        bare = world.uncovered(key)
        missed = [at for at in bare if not any(hole.from_ns <= at <= hole.to_ns for hole in holes)]
        assert missed == []
        false = [hole for hole in holes if not any(hole.from_ns <= at <= hole.to_ns for at in bare)]
        assert false == []
        assert all(hole.from_ns <= hole.to_ns for hole in holes)
        assert world.begun[key] <= 1
