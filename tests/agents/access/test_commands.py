"""Users, keys and projects: commands in, rows out."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from schemas.access import (
    AccessRecord,
    AddKey,
    AddProject,
    AddUser,
    ChangeUser,
    RevokeKey,
    RevokeProject,
    RevokeToken,
    RevokeUser,
)
from streams.access.directory import row_key
from streams.access.passwords import hash_password
from streams.access.state import AccessState
from tests.agents.bench import AT, Worker, refusal

HASH = hash_password("password one")
ADMIN = AddUser("c-1", "root", HASH, role="admin")
PROJECT = AddProject("c-2", "p1", "Retail")
ADA = AddUser("c-3", "ada", HASH, "p1", "viewer")
KEY = AddKey("c-4", "AKAKAKAKAKAKAKAKAKAK", "encrypted", "ada")


async def command(worker: Worker, *commands: Any, key: bytes = b"access") -> None:
    """Let commands arrive as one batch."""
    topic = worker.runtime.topics.access_commands
    await worker.consume(topic, *(worker.message(topic, key, one) for one in commands))


refused = partial(refusal, command)  # what the sender of a command is told


def row(worker: Worker, kind: str, name: str) -> AccessRecord | None:
    return AccessState.of(worker.runtime).access.get(row_key(kind, name))


async def test_projects_users_and_keys_are_added(state: Worker) -> None:
    """In the order of the commands: a user needs its project, a key its user."""
    await command(state, ADMIN, PROJECT, ADA, KEY)
    ada, key = row(state, "user", "ada"), row(state, "key", KEY.access_key)

    assert ada is not None
    assert (ada.project, ada.role, ada.secret, ada.valid_from) == ("p1", "viewer", HASH, round(AT * 1000))
    assert key is not None
    assert (key.user, key.secret) == ("ada", "encrypted")


async def test_a_repeat_changes_nothing_and_another_content_is_refused(state: Worker) -> None:
    await command(state, ADMIN, PROJECT, ADA, ADA)
    before = row(state, "user", "ada")

    assert (await refused(state, replace(ADA, role="admin"))).code == "command_id_reused"
    assert (await refused(state, replace(ADA, command_id="c-9"))).code == "name_taken"
    assert row(state, "user", "ada") == before


async def test_a_user_is_changed(state: Worker) -> None:
    """What is not named stays; only a new password makes tokens void."""
    await command(state, ADMIN, PROJECT, ADA, ChangeUser("c-5", "ada", role="operator"))
    changed = row(state, "user", "ada")
    assert changed is not None
    assert (changed.role, changed.project, changed.secret) == ("operator", "p1", HASH)

    await command(state, ChangeUser("c-6", "ada", hash_password("password two"), project=""))
    changed = row(state, "user", "ada")
    assert changed is not None
    assert (changed.role, changed.project) == ("operator", "")
    assert changed.secret != HASH


async def test_a_user_goes_with_its_keys(state: Worker) -> None:
    await command(state, ADMIN, PROJECT, ADA, KEY, RevokeUser("c-5", "ada"))

    assert row(state, "user", "ada") is None
    assert row(state, "key", KEY.access_key) is None
    assert (await refused(state, RevokeUser("c-6", "ada"))).code == "unknown_user"


async def test_a_key_goes_alone(state: Worker) -> None:
    await command(state, ADMIN, PROJECT, ADA, KEY, RevokeKey("c-5", KEY.access_key))

    assert row(state, "key", KEY.access_key) is None
    assert row(state, "user", "ada") is not None


async def test_somebody_stays_who_may_add_users(state: Worker) -> None:
    """Nobody can lock everybody out."""
    await command(state, ADMIN, PROJECT, ADA)

    assert (await refused(state, RevokeUser("c-5", "root"))).code == "last_administrator"
    assert (await refused(state, ChangeUser("c-6", "root", role="viewer"))).code == "last_administrator"
    await command(state, ChangeUser("c-7", "ada", role="admin"), RevokeUser("c-8", "root"))
    assert row(state, "user", "root") is None


async def test_a_project_stays_while_users_belong_to_it(state: Worker) -> None:
    await command(state, ADMIN, PROJECT, ADA)

    assert (await refused(state, RevokeProject("c-5", "p1"))).code == "in_use"
    await command(state, RevokeUser("c-6", "ada"), RevokeProject("c-7", "p1"))
    assert row(state, "project", "p1") is None


async def test_void_tokens_are_forgotten_when_they_would_have_ended(state: Worker) -> None:
    """So that the log does not grow with every log-out."""
    now = round(AT * 1000)
    await command(state, RevokeToken("c-1", "0a0a0a0a", now - 1), RevokeToken("c-2", "0b0b0b0b", now + 1))

    assert row(state, "token", "0a0a0a0a") is None
    assert row(state, "token", "0b0b0b0b") is not None


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (AddProject("c", "a/b"), "project"),
        (AddProject("c", "default"), "project"),
        (AddProject("c", ""), "project"),
        (AddProject("c", "p" * 65), "project"),
        (AddProject("c", "p", "t" * 257), "title"),
        (AddUser("c", "a:b", HASH), "user"),
        (AddUser("c", "", HASH), "user"),
        (AddUser("c", "ada", "plain"), "password_hash"),
        (AddUser("c", "ada", HASH.replace("m=19456", "m=99999999")), "password_hash"),
        (AddUser("c", "ada", HASH, role="root"), "role"),
        (AddUser("c", "ada", HASH, "none"), "project"),
        (ChangeUser("c", "ada", role="none"), "role"),
        (AddKey("c", "short", "s", "ada"), "access_key"),
        (AddKey("c", "A" * 20, "s" * 2000, "ada"), "secret"),
        (AddKey("c", "A" * 20, "s", "nobody"), "user"),
        (RevokeToken("c", "no hex", 1), "token_id"),
    ],
    ids=lambda it: it if isinstance(it, str) else type(it).__name__,
)
async def test_what_can_never_be_is_refused_with_its_field(state: Worker, sent: Any, field: str) -> None:
    assert field in (await refused(state, sent)).message


async def test_a_command_under_another_key_is_refused(state: Worker) -> None:
    """They are applied in one order, which is that of one key."""
    assert (await refused(state, PROJECT, key=b"p1")).code == "wrong_key"
