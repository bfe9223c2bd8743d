"""What is read of valgrind's output: see `bench.guard.counting`."""

from pathlib import Path

import pytest
from bench.guard.counting import (
    CountingError,
    Task,
    between_marks,
    check_done,
    environment,
    read_parts,
    total,
)

PART = """# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 23734
part: {number}
desc: Trigger: --dump-before=getppid

positions: line
events: Ir
summary: {total}


ob=(1) /lib/ld.so
fn=(28) __tunable_get_val
408 224

totals: {total}
"""
TASK = Task("handler, load A", Path("payloads"), 1_000, 2_000)


def part(number, instructions):
    return PART.format(number=number, total=instructions)


def test_the_sum_of_a_part_is_read():
    assert total(part(2, 35_119_823)) == 35_119_823


def test_a_part_without_its_sum_is_an_error():
    with pytest.raises(CountingError, match="without its sum"):
        total("# callgrind format\nfn=(28) totals: 5\n")


def test_what_is_between_the_marks_is_the_second_part():
    assert between_marks("a path", [part(1, 500), part(2, 77)]) == 77


@pytest.mark.parametrize("marks", [0, 1, 3])
def test_any_other_number_of_marks_is_an_error(marks):
    with pytest.raises(CountingError, match=f"a path: {marks} marks"):
        between_marks("a path", [part(number, 1) for number in range(marks)])


def test_parts_come_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 2, 1):
        (tmp_path / f"account.{number}").write_text(part(number, number * 100))
    (tmp_path / "account").write_text(part(11, 7))
    (tmp_path / "account.2.bak").write_text("something else")
    assert [total(text) for text in read_parts(tmp_path / "account")] == [100, 200, 1_000]


def test_a_program_that_delivered_everything_is_believed():
    check_done(TASK, '{"messages": 2000, "delivered": 2000}\n')


@pytest.mark.parametrize("printed", ['{"messages": 2000, "delivered": 1999}', '{"messages": 10, "delivered": 10}', ""])
def test_a_count_of_fewer_messages_is_none(printed):
    with pytest.raises(CountingError, match="handler, load A"):
        check_done(TASK, printed)


def test_only_the_choice_of_the_hot_path_comes_from_outside():
    fixed = environment({})
    assert environment({"LD_PRELOAD": "x", "LANG": "ko_KR", "PYTHONHASHSEED": "7", "UPBIT_STREAM_PURE": "1"}) == {
        **fixed,
        "UPBIT_STREAM_PURE": "1",
    }
    assert fixed["PYTHONHASHSEED"] == "0"
