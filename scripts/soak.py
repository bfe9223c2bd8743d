"""Run thousands of schedules of faults and see that nothing is lost: what the test does with 500 of them.

``make soak``; ``SEEDS=5000`` says how many, ``FIRST=0`` from which on, ``JOBS`` on how many cores (all). Each seed that
fails is told at once, with the command that repeats it; any makes the exit status 1.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the processes take it over

from tests.stream.nothing_lost import failures  # noqa: E402  # needs the path

AT_A_TIME = 10


def main() -> int:
    """Run them, tell what fails."""
    first, count = int(os.environ.get("FIRST") or 0), int(os.environ.get("SEEDS") or 5_000)
    jobs = int(os.environ.get("JOBS") or 0) or os.cpu_count() or 1
    seeds = range(first, first + count)
    began = time.monotonic()
    done, failed = 0, []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        blocks = [seeds[at : at + AT_A_TIME] for at in range(0, count, AT_A_TIME)]
        running = {pool.submit(failures, block): len(block) for block in blocks}
        for future in as_completed(running):
            done += running[future]
            for seed, text in future.result().items():
                failed.append(seed)
                print(f"\r{text}\n", flush=True)
            if sys.stdout.isatty() or done % 250 < AT_A_TIME or done == count:
                spent = time.monotonic() - began
                left = spent / done * (count - done)
                line = f"{done} of {count} schedules, {len(failed)} failed, {spent:.0f} s, {left:.0f} s to go"
                print(f"\r{line}", end="" if sys.stdout.isatty() else "\n", flush=True)
    print(f"\n{count} schedules from seed {first}: " + (f"failed: {sorted(failed)}" if failed else "nothing was lost"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
