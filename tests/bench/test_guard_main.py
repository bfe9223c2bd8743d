"""The command of the guard, with and without valgrind: see `bench.guard.__main__`."""

import pytest
from bench.guard import __main__ as command
from bench.guard import stored
from bench.guard.all_paths import chosen
from bench.guard.counting import CountingError
from bench.guard.paths import WAYS
from bench.guard.stored import Counts
from bench.guard.surroundings import compiler, differences, processor_features
from click.testing import CliRunner

HERE = {"python": "3.11"}


@pytest.fixture
def guard(tmp_path, monkeypatch):
    """Run the command where each path takes ``count`` instructions, with a file of stored counts of its own."""
    file = tmp_path / "counts.json"
    monkeypatch.setattr(command, "find_valgrind", lambda: "valgrind")
    monkeypatch.setattr(command, "surroundings", lambda _: HERE)
    monkeypatch.setattr(command, "variant", lambda: "C")
    monkeypatch.setattr(stored.load, "__defaults__", (file,))
    monkeypatch.setattr(stored.save, "__defaults__", (file,))

    def run(*arguments, **counts):
        def count_all(_valgrind, ways):
            return {name: float(counts.get(name.split(",")[0], 100)) for name in ways}

        monkeypatch.setattr(command, "count_all", count_all)
        return CliRunner().invoke(command.main, arguments)

    return run


def test_without_valgrind_it_says_so_and_passes(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    ended = CliRunner().invoke(command.main, [])
    assert ended.exit_code == 0
    assert ended.output.startswith("valgrind is not found")


def test_what_was_stored_passes(guard):
    assert guard("--update").exit_code == 0
    assert guard().exit_code == 0


def test_more_than_was_stored_fails_until_it_is_accepted(guard):
    guard("--update")
    ended = guard(handler=106)
    assert ended.exit_code == 1
    assert "FAILED: handler, load A takes 6.0% more" in ended.output
    guard("--update", handler=106)
    assert guard(handler=106).exit_code == 0


def test_less_than_was_stored_passes_and_asks_to_be_stored(guard):
    guard("--update")
    ended = guard(iterator=90)
    assert ended.exit_code == 0
    assert "store the gain" in ended.output


def test_nothing_stored_fails(guard):
    assert guard().exit_code == 1


def test_a_part_is_compared_with_its_part(guard):
    guard("--update")
    assert guard("--only", "iterator", handler=200).exit_code == 0
    assert guard("--only", "iterator", iterator=200).exit_code == 1


def test_a_part_is_counted_with_what_it_is_compared_with():
    assert list(chosen("iterator")) == ["msgspec alone, load A", "iterator, load A"]
    assert list(chosen("")) == list(WAYS)


def test_a_part_is_not_stored_and_has_to_exist(guard):
    assert guard("--update", "--only", "iterator").exit_code == 2
    assert guard("--only", "no such path").exit_code == 2


def test_a_count_that_fails_is_told(guard, monkeypatch):
    guard("--update")

    def fail(*_):
        raise CountingError("handler: 3 marks")

    monkeypatch.setattr(command, "count_all", fail)
    ended = CliRunner().invoke(command.main, [])
    assert ended.exit_code == 1
    assert "handler: 3 marks" in ended.output


def test_the_variants_are_stored_beside_each_other(tmp_path):
    file = tmp_path / "counts.json"
    of_c, of_python = Counts(HERE, 2, {"path": 1.0}), Counts(HERE, 2, {"path": 3.0})
    stored.save("C", of_c, file)
    stored.save("Python", of_python, file)
    assert stored.load(file) == {"C": of_c, "Python": of_python}


def test_the_counts_in_the_repository_are_of_the_paths_that_there_are():
    kept = stored.load()
    assert kept
    assert [name for name, counts in kept.items() if set(counts.instructions_per_message) != set(WAYS)] == []


def test_what_is_different_is_told_by_name():
    assert differences({"libc": "2.36", "same": "1"}, {"libc": "2.40", "same": "1", "new": "2"}) == [
        "libc: 2.40 here, 2.36 stored",
        "new: 2 here, none stored",
    ]


def test_the_features_by_which_copying_is_chosen_are_found():
    assert processor_features("processor : 0\nflags\t\t: fpu avx2 erms sse\nflags : fma\n") == "avx2 erms"
    assert processor_features("") == ""


def test_a_library_tells_its_compiler():
    assert compiler(b"\x7fELF\0GCC: (Debian 12.2.0-14) 12.2.0\0") == "GCC: (Debian 12.2.0-14) 12.2.0"
    assert compiler(b"\x7fELF") == ""
