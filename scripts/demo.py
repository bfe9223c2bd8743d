"""Ten seconds of the stand-in exchange, recorded: start it, record four streams of three markets, show a row.

Needs nothing but the package, in the environment of the Python that runs this. Begins with an empty directory, ends
the stand-in whatever happens, and waits for nothing without a limit.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

OUT = Path("demo-data")
LOCK = ".lock"  # the recorder's, in the directory that it writes to
MARKETS = ("SGD-BTC", "SGD-ETH", "SGD-XRP")
TYPES = ("trade", "orderbook", "ticker", "candle.1s")
DURATION_S = 10
TRADES_PER_S = 20

START_LIMIT_S = 20.0
RECORD_LIMIT_S = DURATION_S + 30.0
STOP_LIMIT_S = 5.0
SHOWN_CHARS = 300

COMMAND = Path(sys.executable).with_name("upbit-stream")


def main() -> None:
    """Run the demo; the exit status is 0 only where each stream left rows."""
    # Being told to stop must end the stand-in as well: an exit runs what `finally` holds, a signal doesn't.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("demo: told to stop"))
    if not COMMAND.exists():
        sys.exit(f"demo: there is no upbit-stream beside {sys.executable}; run this through `make demo`")
    clear(OUT)
    with stand_in() as base_url:
        print(f"The stand-in exchange listens on {base_url}.")
        print(f"Recording {', '.join(TYPES)} of {', '.join(MARKETS)} for {DURATION_S} s …", flush=True)
        record(base_url)
    show(OUT)


def clear(directory: Path) -> None:
    """Remove the rows of an earlier run; leave where there is anything else, or somebody records there."""
    if not directory.exists():
        return
    if not directory.is_dir() or directory.is_symlink():
        sys.exit(f"demo: {directory} is no directory of the demo; move it away")
    rows = [path for path in directory.iterdir() if path.suffix == ".jsonl" and path.is_file()]
    foreign = sorted(path.name for path in directory.iterdir() if path not in rows and path.name != LOCK)
    if foreign:
        sys.exit(f"demo: {directory} holds what no demo made ({', '.join(foreign)}); move the directory away")
    try:
        with FileLock(directory / LOCK, timeout=0):
            for path in rows:
                path.unlink()
    except Timeout:
        sys.exit(f"demo: somebody records into {directory} at the moment; end that first")


@contextmanager
def stand_in() -> Iterator[str]:
    """A stand-in exchange on a free port of this machine, and its address."""
    with tempfile.TemporaryDirectory(prefix="upbit-stream-demo-") as made:
        port_file, log_file = Path(made, "port"), Path(made, "log")
        with log_file.open("wb") as log:
            where = ("--port", "0", "--port-file", port_file)
            what = ("--codes", ",".join(MARKETS), "--rate", str(TRADES_PER_S))
            child = subprocess.Popen(
                (COMMAND, "simulate", *where, *what), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            yield f"http://127.0.0.1:{wait_for_port(child, port_file, log_file)}"
        finally:
            stop(child)


def wait_for_port(child: subprocess.Popen[bytes], port_file: Path, log_file: Path) -> int:
    """The port that the stand-in says it listens on."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if port_file.exists() and (said := port_file.read_text()).endswith("\n"):
            return int(said)
        if child.poll() is not None:
            sys.exit(f"demo: the stand-in ended with status {child.returncode}:\n{log_file.read_text()}")
        time.sleep(0.05)
    sys.exit(f"demo: the stand-in named no port within {START_LIMIT_S:.0f} s:\n{log_file.read_text()}")


def stop(child: subprocess.Popen[bytes]) -> None:
    """End the child: politely, then not."""
    child.terminate()
    try:
        child.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def record(base_url: str) -> None:
    """Let the recorder run for its ten seconds."""
    streams = [f"{type_}:{','.join(MARKETS)}" for type_ in TYPES]
    options = ("--base-url", base_url, "--out", OUT, "--duration", str(DURATION_S))
    try:
        ran = subprocess.run(
            (COMMAND, "record", *streams, *options), stdin=subprocess.DEVNULL, timeout=RECORD_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        sys.exit(f"demo: the recorder did not end within {RECORD_LIMIT_S:.0f} s")
    if ran.returncode:
        sys.exit(f"demo: the recorder ended with status {ran.returncode}")


def show(directory: Path) -> None:
    """Check that each stream left rows, and show one of them. How many there are the recorder has told."""
    files = [directory / f"{market}_{type_}.jsonl" for market in MARKETS for type_ in TYPES]
    empty = [file.name for file in files if not file.exists() or not file.stat().st_size]
    if empty:
        sys.exit(f"demo: nothing was recorded in {', '.join(empty)}")
    with files[0].open() as first:
        row = first.readline().rstrip()
    print(f"\nThe first row of {files[0]}:\n  {row[:SHOWN_CHARS]}{'…' if len(row) > SHOWN_CHARS else ''}")


if __name__ == "__main__":
    main()
