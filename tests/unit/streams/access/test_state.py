"""What a state worker knows of users before its first request, and from where on it follows the log of their rows."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.topic_reader import StoredRecord
from schemas.access import AccessRecord
from schemas.coding.codec import Codec
from streams.access import state as access_state
from streams.access.directory import row_key
from streams.access.state import AccessState
from streams.settings import Settings
from streams.workers import apps

_ADA = AccessRecord(kind="user", name="ada", command_id="c", created=1, role="viewer")
_KEY = row_key("user", "ada")


class Follower:
    """Takes note of where it was to begin."""

    begun: Mapping[int, int] | None = None

    def __init__(self, *_: Any, begin: Mapping[int, int]) -> None:
        Follower.begun = begin

    def start(self) -> None:
        """Nothing comes."""

    def close(self) -> None:
        """Nothing was open."""


def _read(*_: Any) -> Iterator[StoredRecord]:
    """A user who has been revoked, and one who is there."""
    for offset, (key, record) in enumerate(((_KEY, _ADA), (_KEY, None), (row_key("user", "bob"), _ADA))):
        value = None if record is None else Codec().encode(record)
        yield StoredRecord("access-changelog", 3, 10 + offset, 0, key, value, ())


async def test_what_was_read_at_the_start_is_not_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a user who has been revoked would be there once more, until the log is read to its end."""
    monkeypatch.setattr(access_state, "read_topic", _read)
    monkeypatch.setattr(access_state, "TopicFollower", Follower)
    part = AccessState.of(apps.create_state(Settings(home=tmp_path, auth="token"), "127.0.0.1:1"))
    following = asyncio.create_task(part.prepare())
    await asyncio.sleep(0)
    following.cancel()

    assert part.directory.get("user", "ada") is None
    assert part.directory.get("user", "bob") is not None
    assert Follower.begun == {3: 13}
