"""Passwords: hashed with argon2id, compared in threads, a few at a time."""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from typing import Final

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

__all__ = ["Passwords", "TooManyTriesError", "hash_password", "is_hash"]

# OWASP's second choice, 19 MiB and two passes: 25 to 40 ms here, where a login may take 100.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_MOST_MEMORY_KIB, _MOST_PASSES, _MOST_LANES = 262_144, 16, 8  # of a hash that somebody else has made: seconds
_AT_ONCE: Final = 2  # each takes a core and 19 MiB
_MOST_WAITING: Final = 64  # about two seconds
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
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def fits(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one that was hashed; None takes as long, and never fits.

        TooManyTriesError where others wait already.
        """
        mark = hashlib.blake2b(
            f"{hashed} {password}".encode("utf-8", "surrogatepass"), key=self._salt, digest_size=16
        ).digest()
        if mark in self._right:
            self._right.move_to_end(mark)
            return True
        if self._waiting >= _MOST_WAITING:
            raise TooManyTriesError
        self._waiting += 1
        try:
            async with self._turns:
                right = await asyncio.to_thread(_fits, password, _NONE if hashed is None else hashed)
        finally:
            self._waiting -= 1
        if right:
            self._right[mark] = None
            if len(self._right) > _KNOWN:
                self._right.popitem(last=False)
        return right


def _fits(password: str, hashed: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
