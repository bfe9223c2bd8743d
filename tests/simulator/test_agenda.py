from upbit_stream.simulator.agenda import Agenda


def test_calls_what_is_due_in_order_of_moment_rank_and_addition() -> None:
    agenda, called = Agenda(0), []
    agenda.add(20, lambda at: called.append(("late", at)))
    agenda.add(10, lambda at: called.append(("first", at)))
    agenda.add(10, lambda at: called.append(("second", at)))
    agenda.add(10, lambda at: called.append(("ranked", at)), rank=-1)
    agenda.run_until(15)
    assert called == [("ranked", 10), ("first", 10), ("second", 10)]
    assert agenda.next_at_ms() == 20
    assert agenda.now_ms == 15


def test_an_action_may_add_more_and_sees_its_own_moment() -> None:
    agenda, called = Agenda(0), []

    def again(at: int) -> None:
        called.append((at, agenda.now_ms))
        agenda.add(at + 10, again)

    agenda.add(5, again)
    agenda.run_until(30)
    assert called == [(5, 5), (15, 15), (25, 25)]


def test_time_does_not_run_backwards() -> None:
    agenda, called = Agenda(100), []
    agenda.run_until(50)
    assert agenda.now_ms == 100
    agenda.add(10, called.append)
    agenda.run_until(100)
    assert called == [100]


def test_a_call_from_inside_is_left_to_the_outer_one() -> None:
    agenda, called = Agenda(0), []

    def act(at_ms: int) -> None:
        agenda.run_until(99)
        called.append(at_ms)

    agenda.add(1, act)
    agenda.add(2, called.append)
    agenda.run_until(1)
    assert called == [1]
    assert agenda.now_ms == 1
