"""Users, keys and projects: added, listed, revoked by administrators. Their rows are every worker's."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from schemas.access import (
    AccessRecord,
    AddKey,
    AddProject,
    AddUser,
    ChangeProject,
    ChangeUser,
    RevokeKey,
    RevokeProject,
    RevokeUser,
)
from streams.access.authenticator import project_named
from streams.access.caller import DEFAULT_PROJECT, Role
from streams.access.directory import KEY
from streams.access.keys import new_key
from streams.access.passwords import hash_password
from streams.access.rules import AccessCommand, check_command
from streams.access.state import AccessState
from streams.access.vault import Vault
from streams.codes.access import AccessCode
from streams.errors import Code, ConflictError, InvalidError, NotFoundError, UnavailableError
from streams.runtime import StateRuntime
from streams.views.access.session import TAG
from streams.views.web.answers import json_response
from streams.views.web.commands import BareCommandId, CommandId, send_command
from streams.views.web.door import Door, Owned
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JsonRoute, State, sent_as_json
from streams.views.web.strict import StrictBody

__all__ = ["DOOR", "done"]

router = APIRouter(prefix="/access", route_class=JsonRoute)
DOOR = Door(
    apart=True,
    router=router,
    prefixes=("/access/users", "/access/keys", "/access/projects"),
    tag=TAG,
    slash=False,
    role=Role.ADMIN,
    owner=lambda _: Owned(KEY, in_tables=False),  # who applies the commands; every worker can tell what there is
)

UserName = Annotated[str, Path(description="The user's name.", max_length=64)]
ProjectId = Annotated[str, Path(description="The project's id.", max_length=64)]
KeyId = Annotated[str, Path(description="The key's id.", max_length=64)]
_ROLE = Literal["viewer", "operator", "admin"]
_WRITES = PLAIN.responses(400, 401, 403, 404, 409, 413, 415, 503)
_READS = PLAIN.responses(401, 403, 409)


class UserRequest(StrictBody):
    """A user: new ones need a password; of those that there are, what is left out stays."""

    password: str | None = Field(None, min_length=8, max_length=1024, description="8 characters or more.")
    project: str | None = Field(None, max_length=64, description="The project's id; default if absent.")
    role: _ROLE | None = Field(None, description="viewer reads, operator writes too, admin looks after users.")


class UserReply(BaseModel):
    """A user."""

    user: str
    project: str
    role: _ROLE
    created: int


class UsersReply(BaseModel):
    """All users, by name."""

    users: list[UserReply]


class ProjectRequest(StrictBody):
    """A project's name for people."""

    title: str = Field("", max_length=256, description="For people.")


class ProjectReply(BaseModel):
    """A project."""

    project: str
    title: str
    created: int


class ProjectsReply(BaseModel):
    """All projects but the default one, by id."""

    projects: list[ProjectReply]


class KeyRequest(StrictBody):
    """Whose key it will be."""

    user: str = Field(max_length=64, description="The user's name.")


class KeyReply(BaseModel):
    """A key."""

    access_key: str
    user: str
    created: int


class NewKeyReply(KeyReply):
    """A new key; its secret is told this once."""

    secret: str


class KeysReply(BaseModel):
    """All keys, by id."""

    keys: list[KeyReply]


@router.get("/users", summary="List users", response_model=UsersReply, responses=_READS)
async def list_users(state: State) -> Response:
    """All of them."""
    return json_response({"users": [_user(row) for row in _part(state).directory.all("user")]})


@router.get("/users/{user}", summary="Show a user", response_model=UserReply, responses=PLAIN.responses(401, 403, 404))
async def get_user(state: State, user: UserName) -> Response:
    """Project and role."""
    row = AccessState.of(state).directory.get("user", user)
    if row is None:
        raise NotFoundError(AccessCode.UNKNOWN_USER, f"there is no user {user}")
    return json_response(_user(row))


@router.put(
    "/users/{user}",
    summary="Add or change a user",
    response_model=UserReply,
    responses=_WRITES,
    dependencies=[Depends(sent_as_json)],
)
async def put_user(state: State, user: UserName, body: UserRequest, command_id: CommandId) -> Response:
    """201 for a new one. A new password makes all tokens void."""
    known = _part(state).directory.get("user", user)
    password = None if body.password is None else await asyncio.to_thread(hash_password, body.password)
    project = None if body.project is None else project_named(body.project)
    if known is not None and known.command_id != command_id:
        row = await done(state, ChangeUser(command_id, user, password, project, body.role))
        return json_response(_user(row))
    if password is None:
        raise InvalidError(Code.INVALID_REQUEST, f"password: there is no user {user[:64]}: a new one needs a password")
    if known is None:  # else the same request has come before
        known = await done(state, AddUser(command_id, user, password, project or "", body.role or "operator"))
    return json_response(_user(known), 201)


@router.delete("/users/{user}", summary="Revoke a user", status_code=204, response_class=Response, responses=_WRITES)
async def revoke_user(state: State, user: UserName, command_id: BareCommandId) -> Response:
    """With its keys and tokens; what it has made stays."""
    await done(state, RevokeUser(command_id, user))
    return Response(status_code=204)


@router.get("/projects", summary="List projects", response_model=ProjectsReply, responses=_READS)
async def list_projects(state: State) -> Response:
    """All of them, but for the default one."""
    return json_response({"projects": [_project(row) for row in _part(state).directory.all("project")]})


@router.put(
    "/projects/{project}",
    summary="Add a project",
    status_code=201,
    response_model=ProjectReply,
    responses=_WRITES,
    dependencies=[Depends(sent_as_json)],
)
async def put_project(state: State, project: ProjectId, body: ProjectRequest, command_id: CommandId) -> Response:
    """409 where there is one of this id."""
    command = AddProject(command_id, project, body.title)
    return json_response(_project(await done(state, command)), 201)


@router.delete(
    "/projects/{project}", summary="Revoke a project", status_code=204, response_class=Response, responses=_WRITES
)
async def revoke_project(state: State, project: ProjectId, command_id: BareCommandId) -> Response:
    """409 while users belong to it. What was made in it stays, and nobody sees it."""
    await done(state, RevokeProject(command_id, project))
    return Response(status_code=204)


@router.get("/keys", summary="List keys", response_model=KeysReply, responses=_READS)
async def list_keys(state: State) -> Response:
    """All of them, without their secrets."""
    return json_response({"keys": [_key(row) for row in _part(state).directory.all("key")]})


@router.post(
    "/keys",
    summary="Add a key",
    status_code=201,
    response_model=NewKeyReply,
    responses=_WRITES,
    dependencies=[Depends(sent_as_json)],
)
async def add_key(state: State, body: KeyRequest, command_id: CommandId) -> Response:
    """A new key of a user, whose secret is told this once."""
    vault = _vault(state)
    access_key, secret = new_key(vault, command_id)
    known = _part(state).directory.get("key", access_key)  # the same request has come before
    if known is None:
        known = await done(state, AddKey(command_id, access_key, vault.encrypted(secret), body.user))
    return json_response({**_key(known), "secret": secret}, 201)


@router.delete(
    "/keys/{access_key}", summary="Revoke a key", status_code=204, response_class=Response, responses=_WRITES
)
async def revoke_key(state: State, access_key: KeyId, command_id: BareCommandId) -> Response:
    """Nothing that is signed with it is let in from now on."""
    await done(state, RevokeKey(command_id, access_key))
    return Response(status_code=204)


def _part(state: StateRuntime) -> AccessState:
    """RejectedError where access control is off: there is nobody to ask for."""
    part = AccessState.of(state)
    if part.vault is None:
        text = "access control is off: set TIDECAST_AUTH, then there are users, keys and projects"
        raise ConflictError(AccessCode.ACCESS_OFF, text)
    return part


def _vault(state: StateRuntime) -> Vault:
    vault = _part(state).vault
    assert vault is not None
    return vault


async def done(state: StateRuntime, command: AccessCommand) -> AccessRecord:
    """The row that a command has made, or removed, once this worker knows; RejectedError."""
    part = _part(state)
    check_command(command)
    kind, name = _about(command)
    row: AccessRecord | None = await send_command(state, state.topics.access_commands, KEY.decode(), command)

    def known() -> bool:
        found = part.directory.get(kind, name)
        return found is None if row is None else found is not None and found.command_id == row.command_id

    try:
        async with asyncio.timeout(state.settings.write_timeout_s):
            await part.directory.until(known)
    except TimeoutError:
        raise UnavailableError(Code.NOT_CONFIRMED, "it is done, and not known everywhere yet: look again") from None
    return row or AccessRecord(kind=kind, name=name, command_id=command.command_id, created=0)


def _about(command: AccessCommand) -> tuple[str, str]:
    fields: Any = {name: getattr(command, name) for name in ("access_key", "user", "project") if hasattr(command, name)}
    field = next(iter(fields))
    kind = "quotas" if isinstance(command, ChangeProject) else "key" if field == "access_key" else field
    return kind, fields[field]


def _user(row: AccessRecord) -> dict[str, Any]:
    return {"user": row.name, "project": row.project or DEFAULT_PROJECT, "role": row.role, "created": row.created}


def _project(row: AccessRecord) -> dict[str, Any]:
    return {"project": row.name, "title": row.title, "created": row.created}


def _key(row: AccessRecord) -> dict[str, Any]:
    return {"access_key": row.name, "user": row.user, "created": row.created}
