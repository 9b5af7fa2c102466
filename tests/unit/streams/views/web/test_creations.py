"""What a request that creates something under an Idempotency-Key makes, however often and wherever it comes."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Response

from connectors.objects.store import ObjectStore
from streams import idempotency
from streams.errors import InvalidError, RejectedError, UnavailableError
from streams.views.web import creations
from streams.views.web.commands import command_id_of
from streams.views.web.creations import create_once


class Door:
    """One route that creates something at one of several workers, and what it has created."""

    def __init__(self, folder: Path, ids: Iterator[int]) -> None:
        self.state: Any = SimpleNamespace(
            app=self, store=ObjectStore(f"file://{folder}"), ids=SimpleNamespace(mint=lambda: next(ids))
        )
        self.request: Any = SimpleNamespace(
            method="POST",
            url=SimpleNamespace(path="/data/"),
            headers={"idempotency-key": "k"},
            app=SimpleNamespace(state=SimpleNamespace(id_lock=asyncio.Lock())),
        )
        self.there: set[int] = set()
        self.owned: set[int] = set()
        self.other: Door | None = None

    async def create(self, content: bytes = b"x", *, refused: type[RejectedError] | None = None) -> int:
        """The id under which it is created, unless it is refused."""
        command_id = command_id_of(self.request, "k", content)

        async def create(minted: int) -> Response:
            await asyncio.sleep(0)
            if refused is not None:
                raise refused("refused", "refused")
            self.there.add(minted)
            return Response(str(minted))

        self._asked = content
        answer = await create_once(self.state, self.request, command_id, create, is_there=self.there.__contains__)
        return int(bytes(answer.body))

    def owner_of(self, key: bytes) -> "Door | None":
        """The other worker, if this id is its."""
        return self.other if self.other is not None and int(key) % 2 != self.parity else None

    parity = 0


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Door]:
    """Two workers: one owns the even ids, the other the odd ones."""
    ids = iter(range(1, 10_000))
    doors = [Door(tmp_path, ids), Door(tmp_path, ids)]
    doors[0].other, doors[1].other, doors[1].parity = doors[1], doors[0], 1
    doors[1].there = doors[0].there
    monkeypatch.setattr(creations, "owner_elsewhere", lambda app, key: app.owner_of(key))

    async def passed_on(state: Any, request: Any, key: bytes) -> Response | None:
        owner = state.app.owner_of(key)
        return None if owner is None else Response(str(await owner.create(state.app._asked)))

    monkeypatch.setattr(creations, "passed_on", passed_on)
    return doors


@pytest.fixture
def door(pair: list[Door]) -> Door:
    """A door at a worker that owns all ids."""
    pair[0].other = None
    return pair[0]


async def test_D10_a_repeat_is_given_the_same_id(door: Door) -> None:
    """However often it comes; other content is refused."""
    assert [await door.create() for _ in range(3)] == [1, 1, 1]
    with pytest.raises(RejectedError, match="another body"):
        await door.create(b"y")


async def test_D10_what_was_removed_does_not_come_back_under_its_id(door: Door) -> None:
    """A new id, which repeats are given from then on, several at once too; the key still stands for its content."""
    first = await door.create()
    door.there.clear()
    with pytest.raises(RejectedError, match="another body"):
        await door.create(b"y")

    again = set(await asyncio.gather(*(door.create() for _ in range(8))))
    assert len(again) == 1
    assert again != {first}


async def test_D10_a_try_that_was_not_confirmed_keeps_its_id(door: Door) -> None:
    """Its command may still be on its way: under a new id both would take effect."""
    with pytest.raises(RejectedError):
        await door.create(refused=UnavailableError)

    assert await door.create() == 1


async def test_D10_a_refusal_frees_the_key(door: Door) -> None:
    """For a mended request."""
    with pytest.raises(RejectedError):
        await door.create(refused=InvalidError)

    assert await door.create(b"y") == 2


async def test_D10_a_late_refusal_does_not_free_the_key_of_another_request(door: Door) -> None:
    """The first try was refused, the mended request has the key now; a second try of the first is refused later."""
    first = idempotency.Note(99, command_id_of(door.request, "k", b"x"))
    mended = await door.create(b"y")

    creations._free(door.state, first)

    assert await door.create(b"y") == mended


async def test_D10_tries_at_two_workers_at_the_same_time_make_one_thing(pair: list[Door]) -> None:
    """Each has an id of its own at hand; the one that comes second is passed on to the owner of the first's."""
    for number in range(50):
        key = f"race-{number}"
        for one in pair:
            one.request.url = SimpleNamespace(path=f"/data/{key}")
        made = await asyncio.gather(*(one.create() for one in pair))
        assert made[0] == made[1]
    assert len(pair[0].there) == 50


async def test_a_note_of_an_earlier_release_still_counts(door: Door) -> None:
    """They lay in one folder."""
    command_id = command_id_of(door.request, "k", b"x")
    door.state.store.put_bytes(f"idempotency/{command_id[:36]}", f"77 {command_id} created".encode())
    door.there.add(77)

    assert await door.create() == 77
    with pytest.raises(RejectedError, match="another body"):
        await door.create(b"y")
    door.there.clear()
    assert await door.create() != 77


async def test_half_a_note_is_replaced(door: Door) -> None:
    """A power cut may leave it on a file system without hard links."""
    command_id = command_id_of(door.request, "k", b"x")
    door.state.store.put_bytes(f"idempotency/{command_id[:2]}/{command_id[:36]}", b"12")

    made = await door.create()
    assert await door.create() == made


async def test_a_deleted_thing_frees_the_key_of_its_command(door: Door) -> None:
    """And a command without a key, whatever its id, none."""
    made = await door.create()
    for command_id in ("", "7", "../../etc", "x" * 60):
        idempotency.free(door.state.store, command_id)
    assert await door.create() == made

    idempotency.free(door.state.store, command_id_of(door.request, "k", b"x"))

    assert await door.create(b"y") != made


async def test_old_notes_go(door: Door) -> None:
    """In all folders, those of earlier releases too; young ones stay, and a turn removes no more than it may."""
    store, shards = door.state.store, range(idempotency.SHARDS)
    await door.create()
    store.put_bytes("idempotency/0f3e", b"old")
    now = datetime.now(UTC)
    young = sum(idempotency.sweep(store, shard, now - timedelta(hours=1), at_most=9) for shard in shards)
    none = sum(idempotency.sweep(store, shard, now + timedelta(hours=1), at_most=0) for shard in shards)
    assert (young, none, len(store.keys("idempotency"))) == (0, 0, 2)

    assert sum(idempotency.sweep(store, shard, now + timedelta(hours=1), at_most=9) for shard in shards) == 2
    assert store.keys("idempotency") == []
