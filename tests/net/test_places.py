import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from upbit_stream.errors import BudgetUnavailable
from upbit_stream.net import places
from upbit_stream.net.budget import CONNECTIONS, MESSAGES, Budget, Rate
from upbit_stream.net.places import STATE_DIR_VARIABLE, FileStore, MemoryStore, state_directory

KEY = "very-secret-access-key"
PROCESS = """
import asyncio, sys, time
from pathlib import Path
from upbit_stream.net.budget import CONNECTIONS, Budget
from upbit_stream.net.places import FileStore

async def main():
    budget = Budget(FileStore(CONNECTIONS, "shared", Path(sys.argv[1])))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(sys.argv[2])):
        place = await budget.acquire()
        print(place, time.monotonic(), flush=True)

asyncio.run(main())
"""


@pytest.fixture(params=["memory", "file"])
def make_store(request, tmp_path):
    made = []

    def make(name="name", rates=CONNECTIONS):
        store = MemoryStore(rates) if request.param == "memory" else FileStore(rates, name, tmp_path)
        made.append(store)
        return store

    yield make
    for store in made:
        store.close()


def reserve(store, *now_ms):
    """What the store gives at these moments, one after the other."""

    async def main():
        return [await store.reserve(lambda now=now: now) for now in now_ms]

    return asyncio.run(main())


def process(directory, count):
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, directory, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def begin(processes):
    """All at once, when all have loaded what they need."""
    for each in processes:
        assert each.stdout.readline() == "ready\n"
    for each in processes:
        each.stdin.write("\n")
        each.stdin.flush()


def test_the_sixth_place_is_a_window_after_the_first(make_store):
    assert reserve(make_store(), *[5_000] * 12) == [5_000] * 5 + [6_101] * 5 + [7_202] * 2


def test_a_place_is_never_before_one_that_was_given(make_store):
    assert reserve(make_store(), 5_000, 4_000, 6_000, 3_000) == [5_000, 5_000, 6_000, 6_000]


def test_both_rates_count(make_store):
    given = reserve(make_store(rates=MESSAGES), *[5_000] * 101)
    assert given[99] == 5_000 + 19 * 1_101
    assert given[100] == 5_000 + 60_101


def test_a_pause_puts_off_what_comes_after_it_and_is_never_shortened(make_store):
    store = make_store()

    async def main():
        assert await store.paused_until() == 0
        await store.pause(9_000)
        await store.pause(7_000)
        return await store.paused_until()

    assert asyncio.run(main()) == 9_000
    assert reserve(store, 5_000, 8_999, 9_500) == [9_000, 9_000, 9_500]


def test_stores_of_one_name_share_and_of_others_do_not(tmp_path):
    one, same, other = (FileStore(CONNECTIONS, name, tmp_path) for name in ("a", "a", "b"))
    assert reserve(one, *[5_000] * 5) == [5_000] * 5
    assert reserve(same, 5_000) == [6_101]
    assert reserve(other, 5_000) == [5_000]
    asyncio.run(one.pause(60_000))
    assert asyncio.run(same.paused_until()) == 60_000
    assert asyncio.run(other.paused_until()) == 0
    for store in (one, same, other):
        store.close()


def test_a_closed_store_can_be_used_again(make_store):
    store = make_store()
    reserve(store, *[5_000] * 5)
    store.close()
    store.close()
    assert reserve(store, 5_000) == [6_101]


def test_old_places_are_forgotten(tmp_path):
    store = FileStore((Rate(5, 1_100),), "name", tmp_path)
    reserve(store, *range(10_000, 510_000, 10_000))
    assert rows(tmp_path, store._table) == [("place", 500_000)]
    store.close()


def rows(directory, table):
    [path] = directory.glob("*.sqlite")
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  # the name is the store's
    finally:
        connection.close()


def test_four_processes_keep_the_limit_together(tmp_path):
    processes = [process(tmp_path, 5) for _ in range(4)]
    begin(processes)
    lines = [line.split() for each in processes for line in each.communicate(timeout=30)[0].splitlines()]
    assert [each.returncode for each in processes] == [0] * 4
    given, served = (sorted(float(line[column]) for line in lines) for column in (0, 1))
    assert len(given) == 20
    assert given[-1] - given[0] < 5  # three windows, and what the processes need to get going
    assert all(one_more - first > 1.1 for first, one_more in zip(given, given[5:], strict=False))
    if max(float(at) - float(place) for place, at in lines) < 0.1:  # unless the machine stood still in between
        assert all(one_more - first > 1 for first, one_more in zip(served, served[5:], strict=False))


def test_a_process_that_is_killed_while_it_waits_blocks_nobody(tmp_path):
    victims = [process(tmp_path, 1_000) for _ in range(2)]
    begin(victims)
    for victim in victims:
        victim.stdout.readline()
        victim.send_signal(signal.SIGKILL)
        victim.communicate(timeout=10)
    survivor = process(tmp_path, 2)
    begin([survivor])
    assert len(survivor.communicate(timeout=10)[0].splitlines()) == 2


def test_the_time_is_taken_when_the_lock_is_held(tmp_path):
    """Processes that waited for the lock together would else all have places in the past, and use them at once."""
    now = [1_000.0]

    async def main():
        budget = Budget(FileStore(CONNECTIONS, "name", tmp_path), lambda: now[0])
        await budget.acquire()
        with FileLock(next(tmp_path.glob("*.sqlite.lock"))):
            waiting = asyncio.create_task(budget.acquire())
            for _ in range(3):
                await asyncio.sleep(0)
            now[0] += 3
        return await waiting

    assert asyncio.run(main()) >= 1_003


def test_a_store_that_was_swept_away_is_shared_anew(tmp_path):
    """Temporary directories are swept after some days, and a stream may live for months."""
    directory = tmp_path / "swept"
    old, new = FileStore(CONNECTIONS, "name", directory), FileStore(CONNECTIONS, "name", directory)
    reserve(old, 5_000)
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    assert reserve(new, *[9_000] * 3) == [9_000] * 3
    assert reserve(old, *[9_000] * 3) == [9_000, 9_000, 10_101]
    old.close()
    new.close()


# what cannot be used


def unavailable(store):
    with pytest.raises(BudgetUnavailable) as caught:
        reserve(store, 5_000)
    store.close()
    return str(caught.value)


@pytest.fixture(params=["a file in its place", "not to be made"])
def impossible(request, tmp_path):
    """Root may write anywhere, so a directory without permission would not do."""
    if request.param == "a file in its place":
        path = tmp_path / "file"
        path.write_text("")
        return path / "below"
    return Path("/proc/upbit-stream")


def test_a_directory_that_cannot_be_used_is_named_with_the_remedy(impossible):
    said = unavailable(FileStore(CONNECTIONS, "name", impossible))
    assert str(impossible) in said
    assert "Make the directory writable, or name another in UPBIT_STREAM_STATE_DIR" in said


@pytest.mark.skipif("os.geteuid() == 0", reason="root may write anywhere")
def test_a_directory_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    assert "Permission denied" in unavailable(FileStore(CONNECTIONS, "name", tmp_path))


def test_a_held_lock_is_waited_for_and_then_told(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "_LOCK_TIMEOUT_S", 0.2)
    store = FileStore(CONNECTIONS, "name", tmp_path)
    reserve(store, 5_000)
    with FileLock(next(tmp_path.glob("*.sqlite.lock"))):
        assert "another process has held the lock" in unavailable(store)
    assert reserve(store, 5_000) == [5_000]
    store.close()


def test_a_file_that_is_no_database_is_told(tmp_path):
    store = FileStore(CONNECTIONS, "name", tmp_path)
    store._path.write_bytes(b"this is no database" * 100)
    said = unavailable(store)
    assert "not a database" in said
    assert str(store._path) in said


def test_a_database_that_is_damaged_is_told(tmp_path):
    store = FileStore(CONNECTIONS, "name", tmp_path)
    reserve(store, *[5_000] * 50)
    store.close()
    content = bytearray(store._path.read_bytes())
    content[100:] = os.urandom(len(content) - 100)
    store._path.write_bytes(content)
    assert "malformed" in unavailable(store) or "not a database" in unavailable(store)


# whose it is


def test_no_access_key_can_be_read_from_the_files(tmp_path):
    store = FileStore(CONNECTIONS, f"connect sg-api.upbit.com {KEY}", tmp_path)
    reserve(store, 5_000)
    asyncio.run(store.pause(6_000))
    store.close()
    content = b"".join(path.read_bytes() + path.name.encode() for path in tmp_path.iterdir())
    assert KEY.encode() not in content
    assert KEY.encode().hex().encode() not in content
    assert b"sg-api" not in content


def test_only_the_user_may_look_into_the_directory(tmp_path):
    store = FileStore(CONNECTIONS, "name", tmp_path / "new")
    reserve(store, 5_000)
    store.close()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_somebody_elses_directory_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv(STATE_DIR_VARIABLE, raising=False)
    store = FileStore(CONNECTIONS, "name", tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    assert "belongs to another user" in unavailable(store)


@pytest.mark.skipif("os.geteuid() != 0", reason="only root can make somebody else's link")
def test_somebody_elses_link_to_an_own_directory_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv(STATE_DIR_VARIABLE, raising=False)
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "own")
    os.chown(tmp_path / "link", 12_345, 12_345, follow_symlinks=False)
    assert "belongs to another user" in unavailable(FileStore(CONNECTIONS, "name", tmp_path / "link"))
    assert list((tmp_path / "own").iterdir()) == []


def test_a_directory_that_the_user_named_may_be_shared(tmp_path, monkeypatch):
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(tmp_path / "named"))
    store = FileStore(CONNECTIONS, "name")
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    assert reserve(store, 5_000) == [5_000]
    store.close()
    assert list((tmp_path / "named").glob("*.sqlite"))


def test_without_a_name_it_is_in_the_temporary_directory_under_the_users_number(monkeypatch):
    monkeypatch.delenv(STATE_DIR_VARIABLE, raising=False)
    assert state_directory().name == f"upbit-stream-{os.getuid()}"
    monkeypatch.setenv(STATE_DIR_VARIABLE, "")
    assert state_directory().name == f"upbit-stream-{os.getuid()}"


def test_closing_while_a_thread_is_at_the_file_leaves_that_to_the_thread(tmp_path):
    store = FileStore(CONNECTIONS, "name", tmp_path)

    async def main():
        reserving = asyncio.create_task(store.reserve(closes))
        await asyncio.wait([reserving])
        return reserving.result()

    def closes():
        store.close()  # the wait for the thread was cancelled, and the stream is closed
        assert store._connection is not None
        return 5

    assert asyncio.run(main()) == 5
    assert store._connection is None
