"""Coverage against an oracle: sessions at random moments, and beside them what is true."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.session.coverage import Coverage

X, Y = ("trade", "SGD-BTC"), ("ticker", "SGD-ETH")


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
