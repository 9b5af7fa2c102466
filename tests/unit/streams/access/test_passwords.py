"""Passwords: compared with what is kept of them."""

import asyncio
import os
import sys
import threading
from typing import Any

import pytest

from streams.access import passwords
from streams.access.passwords import Passwords, TooManyTriesError, hash_password, is_hash


async def test_the_right_password_fits_and_no_other() -> None:
    known, hashed = Passwords(), hash_password("correct")

    assert await known.fits("correct", hashed)
    assert not await known.fits("wrong", hashed)
    assert not await known.fits("correct", None)
    assert not await known.fits("\ud800", hashed)
    assert not await known.fits("correct", "no hash")


async def test_a_right_password_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that each request may carry it; another hash, of a new password, is another question."""
    known, hashed = Passwords(), hash_password("correct")
    assert await known.fits("correct", hashed)
    monkeypatch.setattr(passwords, "_fits", lambda *_: False)

    assert await known.fits("correct", hashed)
    assert not await known.fits("correct", hash_password("correct"))


async def test_who_comes_while_many_wait_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes a core for some time: nobody can make everybody else wait for long."""
    known, go = Passwords(), threading.Event()

    def slow(*_: Any) -> bool:
        return go.wait(10)

    monkeypatch.setattr(passwords, "_fits", slow)
    waiting = [asyncio.ensure_future(known.fits(str(number), None, f"a{number % 8}")) for number in range(64)]
    await asyncio.sleep(0.05)
    with pytest.raises(TooManyTriesError):
        await known.fits("one more", None)
    go.set()

    assert all(await asyncio.gather(*waiting))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
        "$argon2id$v=19$m=9999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
        "$argon2id$v=19$m=19456,t=99,p=1$c2FsdHNhbHQ$aGFzaA",
        "$2b$12$abcdefghijklmnopqrstuv",
    ],
)
def test_only_argon2id_of_bearable_cost_is_a_hash(text: str) -> None:
    """A producer's hash could keep a core busy for minutes at each log-in."""
    assert is_hash(hash_password("x"))
    assert not is_hash(text)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only whole processes give way")
async def test_comparing_leaves_the_cores_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """In threads of their own, of low priority, half as many as there are cores; other threads stay as they are."""
    seen: list[tuple[str, int]] = []

    def look(*_: Any) -> bool:
        seen.append((threading.current_thread().name, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
        return True

    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    monkeypatch.setattr(passwords, "_fits", look)
    monkeypatch.setattr(passwords, "cores", lambda: 3)
    known = Passwords()
    await asyncio.gather(*(known.fits(str(number), None) for number in range(5)))

    assert {name for name, _ in seen} == {"passwords_0"}
    assert {priority for _, priority in seen} == {min(19, own + 10)}
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
