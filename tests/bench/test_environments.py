"""The environments of the peers, made by commands that are written down here instead of being run."""

import re
import sys
from pathlib import Path

import pytest
from bench.peers.environments import REQUIREMENTS, Environment, Outcome, Unavailable, environment, run_command

REQUIREMENT = re.compile(r"^[a-z0-9._-]+==[^ ;]+(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


class Commands:
    """Runs nothing: notes the commands, makes the interpreter that `venv` would make, and ends as it is told."""

    def __init__(self, *, failing="", said=""):
        self.ran = []
        self.failing = failing
        self.said = said

    def __call__(self, command, timeout_s):
        self.ran.append(list(command))
        assert timeout_s > 0
        if self.failing and self.failing in command:
            return Outcome(1, self.said)
        if "venv" in command:
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        return Outcome(0)


class Made:
    """One requirement file, and the environment that belongs to it."""

    def __init__(self, directory):
        self.pinned = directory / "requirements" / "peer.txt"
        self.pinned.parent.mkdir()
        self.pinned.write_text("peer==1\n")
        self.home = directory / "made" / "peer"

    def __call__(self, commands, name="peer"):
        return environment(name, requirements=self.pinned.parent, within=self.home.parent, run=commands)


@pytest.fixture
def make(tmp_path):
    return Made(tmp_path)


def test_a_missing_environment_is_made_from_its_pinned_requirements(make):
    commands = Commands()
    assert make(commands) == Environment("peer", make.home / "bin" / "python")
    venv, install = commands.ran
    assert venv == [sys.executable, "-m", "venv", str(make.home)]
    assert install[:4] == [str(make.home / "bin" / "python"), "-m", "pip", "install"]
    assert install[-3:] == ["--require-hashes", "-r", str(make.pinned)]


def test_an_environment_is_made_once(make):
    make(Commands())
    commands = Commands()
    assert isinstance(make(commands), Environment)
    assert commands.ran == []


def test_changed_requirements_make_it_anew_with_nothing_left_of_the_old(make):
    make(Commands())
    left = make.home / "of-the-old"
    left.touch()
    make.pinned.write_text("peer==2\n")
    commands = Commands()
    assert isinstance(make(commands), Environment)
    assert len(commands.ran) == 2
    assert not left.exists()


def test_an_environment_without_its_interpreter_is_made_anew(make):
    make(Commands())
    (make.home / "bin" / "python").unlink()
    commands = Commands()
    assert isinstance(make(commands), Environment)
    assert len(commands.ran) == 2


def test_another_python_makes_it_anew(make, monkeypatch):
    make(Commands())
    monkeypatch.setattr(sys, "version", "another")
    commands = Commands()
    assert isinstance(make(commands), Environment)
    assert len(commands.ran) == 2


def test_a_failed_install_is_told_with_the_end_of_what_pip_said(make):
    said = "Collecting peer\n\nnote: one\n  note: two\nERROR: no matching distribution\n"
    told = make(Commands(failing="pip", said=said))
    assert told == Unavailable("peer", "note: one; note: two; ERROR: no matching distribution")


def test_a_failure_that_says_nothing_has_a_reason_too(make):
    assert make(Commands(failing="venv")) == Unavailable("peer", "ended with 1")


def test_a_failed_install_is_tried_again_the_next_time(make):
    make(Commands(failing="pip", said="no network"))
    commands = Commands()
    assert isinstance(make(commands), Environment)
    assert len(commands.ran) == 2


def test_nothing_is_installed_where_no_environment_could_be_made(make):
    commands = Commands(failing="venv", said="no room")
    assert make(commands) == Unavailable("peer", "no room")
    assert len(commands.ran) == 1


def test_a_place_that_cannot_be_written_is_a_reason(make):
    make.home.parent.write_text("a file, where a directory has to be")
    told = make(Commands())
    assert isinstance(told, Unavailable)
    assert told.reason


def test_an_unknown_name_is_a_reason(make):
    commands = Commands()
    assert make(commands, "unheard-of") == Unavailable("unheard-of", "there are no requirements named unheard-of.txt")
    assert commands.ran == []


def test_a_command_that_cannot_be_started_is_an_outcome(tmp_path):
    told = run_command([str(tmp_path / "nothing-here")], 1.0)
    assert told.code != 0
    assert "nothing-here" in told.said


def test_a_command_says_what_it_said_on_its_error_stream():
    told = run_command([sys.executable, "-c", "import sys; print('beside'); sys.exit('what was wrong')"], 60.0)
    assert told == Outcome(1, "what was wrong")


@pytest.mark.parametrize("pinned", sorted(REQUIREMENTS.glob("*.txt")), ids=lambda path: path.stem)
def test_each_requirement_is_pinned_by_version_and_hash_and_names_no_origin(pinned):
    lines = [line for line in pinned.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    assert [line for line in lines if not (REQUIREMENT.match(line) or HASH.match(line))] == []
    assert "://" not in pinned.read_text()
    assert pinned.with_suffix(".in").is_file()
