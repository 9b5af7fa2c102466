"""Passwords: hashed with argon2id, compared in threads of their own, a few at a time, and behind all other work."""

import asyncio
import hashlib
import os
import secrets
import sys
import threading
from collections import Counter, OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from connectors.processes.compute_process import cores

__all__ = ["Passwords", "TooManyTriesError", "hash_password", "is_hash"]

# OWASP's second choice, 19 MiB and two passes: 25 to 40 ms here, where a login may take 100.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_MOST_MEMORY_KIB, _MOST_PASSES, _MOST_LANES = 262_144, 16, 8  # of a hash that somebody else has made: seconds
_AT_ONCE: Final = 2  # each takes a core and 19 MiB; half of the cores at most
_GIVES_WAY: Final = 10  # how much: as `nice` without a number
_MOST_WAITING: Final = 64  # about two seconds
_MOST_OF_ONE: Final = 16  # of one address, so that those of others get in
_KNOWN: Final = 1024
_NONE: Final = _HASHER.hash(secrets.token_hex(16))


class TooManyTriesError(Exception):
    """More passwords are being compared than there is time for."""


def hash_password(password: str) -> str:
    """What is kept of a password, in the text form that all libraries of argon2 have."""
    return _HASHER.hash(password)


def is_hash(text: str) -> bool:
    """Whether it is such a text, and comparing a password with it takes a bearable time."""
    try:
        found = extract_parameters(text)
    except (InvalidHashError, ValueError):
        return False
    bearable = (
        found.memory_cost <= _MOST_MEMORY_KIB and found.time_cost <= _MOST_PASSES and found.parallelism <= _MOST_LANES
    )
    return found.type is Type.ID and bearable


class Passwords:
    """Compares passwords with their hashes. A right one is remembered, so that each request may carry it."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        at_once = max(1, min(_AT_ONCE, cores() // 2))
        self._turns = asyncio.Semaphore(at_once)
        self._threads = ThreadPoolExecutor(at_once, "passwords", initializer=_give_way)
        self._waiting: Counter[str] = Counter()

    def remembers(self, password: str, hashed: str | None) -> bool:
        """Whether it was found out lately that the password is the one that was hashed."""
        mark = self._mark(password, hashed)
        if mark in self._right:
            self._right.move_to_end(mark)
            return True
        return False

    async def fits(self, password: str, hashed: str | None, address: str = "") -> bool:
        """Whether the password is the one that was hashed; None takes as long, and never fits.

        TooManyTriesError where others wait already, or many of the same address.
        """
        if self.remembers(password, hashed):
            return True
        if self._waiting.total() >= _MOST_WAITING or self._waiting[address] >= _MOST_OF_ONE:
            raise TooManyTriesError
        self._waiting[address] += 1
        try:
            async with self._turns:
                known = _NONE if hashed is None else hashed
                right = await asyncio.get_running_loop().run_in_executor(self._threads, _fits, password, known)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]
        if right:
            self._right[self._mark(password, hashed)] = None
            if len(self._right) > _KNOWN:
                self._right.popitem(last=False)
        return right

    def _mark(self, password: str, hashed: str | None) -> bytes:
        return hashlib.blake2b(
            f"{hashed} {password}".encode("utf-8", "surrogatepass"), key=self._salt, digest_size=16
        ).digest()


def _give_way() -> None:
    """Let this thread have what others leave: whoever guesses passwords takes no time from whoever works."""
    if sys.platform == "linux":  # elsewhere it would be the whole process
        thread = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _GIVES_WAY)


def _fits(password: str, hashed: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
