"""Which id a request under an Idempotency-Key is given."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.object_store import ObjectStore
from streams.errors import RejectedError
from streams.views import writes
from streams.views.writes import command_id_of, minted_id


class Door:
    """One route that creates something, and what it has created."""

    def __init__(self, folder: Path) -> None:
        ids = iter(range(1, 100))
        self.state: Any = SimpleNamespace(
            app=None, store=ObjectStore(f"file://{folder}"), ids=SimpleNamespace(mint=lambda: next(ids))
        )
        self.request: Any = SimpleNamespace(
            method="POST",
            url=SimpleNamespace(path="/data/"),
            headers={"idempotency-key": "k"},
            app=SimpleNamespace(state=SimpleNamespace(id_lock=asyncio.Lock())),
        )
        self.there: set[int] = set()

    async def create(self, content: bytes = b"x", *, refused: int | None = None) -> int:
        """The id under which it is created, unless it is refused with a status."""
        command_id = command_id_of(self.request, "k", content)
        async with minted_id(self.state, self.request, command_id, is_there=self.there.__contains__) as minted:
            if refused is not None:
                raise RejectedError(refused, "refused", "refused")
            self.there.add(minted)
        return minted


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    """A door at a worker that owns all ids."""
    monkeypatch.setattr(writes, "owner_elsewhere", lambda *_: None)
    return Door(tmp_path)


async def test_D10_a_repeat_is_given_the_same_id(door: Door) -> None:
    """However often it comes; other content is refused."""
    assert [await door.create() for _ in range(3)] == [1, 1, 1]
    with pytest.raises(RejectedError, match="another body"):
        await door.create(b"y")


async def test_D10_what_was_removed_does_not_come_back_under_its_id(door: Door) -> None:
    """A new id, which repeats are given from then on; the key still stands for its content."""
    await door.create()
    door.there.clear()
    with pytest.raises(RejectedError, match="another body"):
        await door.create(b"y")

    assert [await door.create() for _ in range(2)] == [2, 2]


async def test_D10_a_try_that_was_not_confirmed_keeps_its_id(door: Door) -> None:
    """Its command may still be on its way: under a new id both would take effect."""
    with pytest.raises(RejectedError):
        await door.create(refused=503)

    assert await door.create() == 1


async def test_D10_a_refusal_frees_the_key(door: Door) -> None:
    """For a mended request."""
    with pytest.raises(RejectedError):
        await door.create(refused=400)

    assert await door.create(b"y") == 2
