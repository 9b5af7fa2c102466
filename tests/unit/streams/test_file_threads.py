"""Threads for files: nobody's file keeps others from their answers."""

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from streams.file_threads import FileThreads


async def test_what_is_made_and_what_is_raised_comes_back() -> None:
    """To whoever waits."""
    threads = FileThreads()

    assert await threads.turn(int, "7") == 7
    assert await threads.whole(None, int, "11", base=2) == 3
    with pytest.raises(ValueError, match="invalid literal"):
        await threads.turn(int, "seven")


async def test_large_files_hold_up_neither_small_ones_nor_turns_nor_asyncios_threads() -> None:
    """However many there are."""
    threads, gate = FileThreads(), threading.Event()
    large = [asyncio.ensure_future(threads.whole(size, gate.wait)) for size in [None, *[2**30] * 20]]
    async with asyncio.timeout(5):
        assert await threads.whole(1000, int, "1") == 1
        assert await threads.turn(int, "2") == 2
        assert await asyncio.to_thread(int, "3") == 3
    assert not any(one.done() for one in large)

    gate.set()
    assert await asyncio.gather(*large) == [True] * 21


async def test_who_asks_for_turns_gets_them_among_others() -> None:
    """Ten that need many turns each: the newcomer with one turn waits for one of each at most."""
    threads, ended, turns = FileThreads(), False, 0

    async def many() -> None:
        nonlocal turns
        while not ended:
            await threads.turn(time.sleep, 0.01)
            turns += 1

    others = [asyncio.ensure_future(many()) for _ in range(10)]
    await asyncio.sleep(0.1)
    before = turns
    await threads.turn(int, "1")
    meanwhile = turns - before
    ended = True
    await asyncio.gather(*others)

    assert meanwhile <= 2 * len(others)  # those that were begun, and one of each


def test_a_process_ends_whatever_its_file_threads_are_at() -> None:
    """A file may take minutes; a stop must not."""
    script = (
        "import asyncio, time\n"
        "from streams.file_threads import FileThreads\n"
        "async def main():\n"
        "    asyncio.ensure_future(FileThreads().whole(None, time.sleep, 60))\n"
        "    await asyncio.sleep(0.2)\n"
        "asyncio.run(main())\n"
    )
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", script], check=True, timeout=50, cwd=os.curdir)

    assert time.monotonic() - began < 30
