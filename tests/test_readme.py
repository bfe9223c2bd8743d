"""What README shows is run: its programs against the stand-in exchange, its tables against the code."""

from __future__ import annotations

import asyncio
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import upbit_stream
from tests.conftest import CAPTURE
from tests.lab import KEYS, START_MS
from upbit_stream import RawMessage, Stream
from upbit_stream.cli import exits
from upbit_stream.model.subscription import TYPES
from upbit_stream.record import Recorder
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.testing.memory import BASE_URL, MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual

README = (Path(__file__).parent.parent / "README.md").read_text()
PROGRAMS = [program for program in re.findall(r"```python\n(.*?)```", README, flags=re.S) if "def main" in program]


class Enough(Exception):  # not an error: the program would go on for ever
    pass


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_programs_run(program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UPBIT_ACCESS_KEY", "access-1")
    monkeypatch.setenv("UPBIT_SECRET_KEY", KEYS["access-1"])
    printed: list[Any] = []

    def show(*words: Any) -> None:
        printed.append(words)
        if len(printed) == 10:
            raise Enough

    async def main() -> None:
        world = MemoryExchange(Exchange(start_ms=START_MS, keys=KEYS))
        there: list[Stream] = []

        def stream(region: str, **options: Any) -> Stream:
            there.append(Stream(base_url=BASE_URL, environment=world.environment(), **options))
            return there[-1]

        names: dict[str, Any] = {"print": show}
        code = program.replace("upbit_stream.run(main())", "")
        exec(compile(code, "README.md", "exec"), names)  # noqa: S102  # our own text
        names["Stream"] = stream
        running = asyncio.create_task(names["main"]())
        try:
            async with asyncio.timeout(60):
                while len(printed) < 10 and not running.done():  # noqa: ASYNC110  # in virtual time
                    await asyncio.sleep(0.1)
        finally:
            for opened in there:
                await opened.close()
            await asyncio.wait([running])
        assert isinstance(running.exception(), Enough | None)

    run_virtual(main())
    assert len(printed) >= 10


def test_the_program_that_reads_a_recording_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"```python\n([^`]*read_recording.*?)```", README, flags=re.S)
    with Recorder(tmp_path / "data") as recorder:
        for line in CAPTURE.read_bytes().splitlines():
            time_ns, payload = line.split(b"\t", 1)
            if b'"trade"' in payload[:20]:
                recorder.write(RawMessage(payload, "trade", "SGD-BTC", int(time_ns)))
    monkeypatch.chdir(tmp_path)
    printed: list[Any] = []
    exec(compile(program, "README.md", "exec"), {"print": lambda *words: printed.append(words)})  # noqa: S102
    assert printed[0] == (1618678263010785000, 127.0)


def test_every_name_of_the_stream_is_told() -> None:
    table = README.partition("| `Stream` | |")[2].partition("\n\n")[0]
    public = {name for name, _ in inspect.getmembers(Stream) if not name.startswith("_")}
    assert public - {"open", "remove"} == {name for name in public if f"`{name}" in table or f"{name}(" in table}


def test_the_table_of_options_is_complete() -> None:
    table = README.partition("## Options of `Stream`")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, flags=re.M) for name in re.findall(r"`(\w+)`", row)}
    real = set(inspect.signature(Stream).parameters) - {"environment", "insecure"}
    assert named == real
    assert "insecure=True" in table


def test_the_numbers_of_the_guarantees_are_those_of_the_code() -> None:
    section = README.partition("### What is guaranteed")[2].partition("\n## ")[0]
    rows = re.sub(r"`[^`]*`", "", "".join(line for line in section.splitlines(keepends=True) if line.startswith("|")))
    told = set(re.findall(r"\d[\d,]*", rows))
    script = Path(__file__).parents[1] / "scripts" / "guarantees.py"
    printed = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True).stdout
    assert told
    assert told <= set(re.findall(r"\d[\d,]*", printed))
    types = {
        name for cell in re.findall(r"^\| (`.*?) \|", section, flags=re.M) for name in re.findall(r"`([\w.]+)`", cell)
    }
    assert {name.partition(".")[0] for name in types} == {name.partition(".")[0] for name in TYPES}


def test_the_exit_statuses_are_those_of_the_code() -> None:
    table = README.partition("## The recorder")[2].partition("\n## ")[0]
    named = {int(status) for status in re.findall(r"^\| (\d) \|", table, flags=re.M)}
    assert named == {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}


def test_the_version_is_that_of_the_changelog_or_still_to_come() -> None:
    changes = (Path(__file__).parent.parent / "CHANGELOG.md").read_text()
    assert f"[{upbit_stream.__version__}]" in changes or "[Unreleased]" in changes
