"""The schedule, by a clock that moves when it is looked at."""

from bench.pacing import paced


class Clock:
    """Each look takes 3 ns."""

    def __init__(self):
        self.now = 1_000

    def __call__(self):
        self.now += 3
        return self.now


def test_each_group_comes_when_it_is_due_and_not_before():
    clock = Clock()
    start = clock.now + 3  # the first look
    times = [(number, due, clock.now) for number, due in paced(5, 100, clock_ns=clock)]
    assert [(number, due - start) for number, due, _ in times] == [(0, 0), (1, 100), (2, 200), (3, 300), (4, 400)]
    assert all(0 <= at - due <= 3 for _, due, at in times)


def test_the_schedule_does_not_give_way_to_one_who_is_late():
    clock = Clock()
    start = clock.now + 3
    at = []
    for number, _ in paced(6, 100, clock_ns=clock):
        at.append(clock.now - start)
        if number == 1:
            clock.now += 250
    assert at[2] - at[1] <= 253  # past its time: at once
    assert at[3] - at[2] <= 3
    assert 400 <= at[4] <= 403  # and the next one at its own time again
    assert 500 <= at[5] <= 503


def test_nothing_to_send_takes_no_time():
    assert list(paced(0, 100, clock_ns=Clock())) == []
