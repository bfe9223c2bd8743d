"""Signals of a real process: what its parent sees."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from upbit_stream.cli.signals import ending_signals

async def main():
    with ending_signals() as ending:
        print("ready", flush=True)
        await ending.wait()
        print("ending", flush=True)
        if sys.argv[1:] == ["hang"]:
            sys.stdin.readline()  # an end that blocks even the event loop
    print("ended", flush=True)

{run}
"""
RUNNERS = {
    "asyncio": "asyncio.run(main())",
    "uvloop": "import uvloop; asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())",
}


@pytest.fixture(params=RUNNERS)
def start(request):
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    started = []

    def start(*arguments):
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(run=RUNNERS[request.param]), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(program)
        assert program.stdout.readline() == "ready\n"
        return program

    yield start
    for program in started:
        program.kill()
        program.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_is_an_orderly_end(start, number):
    program = start()
    program.send_signal(number)
    assert program.communicate(timeout=30)[0] == "ending\nended\n"
    assert program.returncode == 0


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_ends_it_at_once(start, second):
    program = start("hang")
    program.send_signal(signal.SIGTERM)
    assert program.stdout.readline() == "ending\n"
    program.send_signal(second)
    assert program.wait(timeout=30) == -second  # which a shell shows as 128 + its number: 130, 143


def test_a_hang_up_after_the_first_signal_is_no_second(start):
    program = start("hang")
    program.send_signal(signal.SIGTERM)
    assert program.stdout.readline() == "ending\n"
    program.send_signal(signal.SIGHUP)
    assert program.communicate("\n", timeout=30)[0] == "ended\n"
    assert program.returncode == 0
