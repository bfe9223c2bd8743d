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


def test_a_confirmation_that_lags_forgets_no_hole():
    """One connection confirms an older set after the other, which had more, was lost."""
    bench = Bench()
    bench.coverage.asking("b", [Y], 10, "connected")
    bench.up("a", 11, X, Y)
    bench.down("a", 20, "lost")
    bench.coverage.registered("b", 21)
    bench.coverage.asking("b", [X, Y], 30, "changed")
    assert bench.hear("b", 31) == First(X, begins=False, hole=Hole(X, 11, 31, "lost"))


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
