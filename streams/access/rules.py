"""What may be asked of users, keys and projects, and what becomes of their rows: pure functions."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, get_args

from schemas.access import (
    AccessRecord,
    AddKey,
    AddProject,
    AddUser,
    ChangeProject,
    ChangeUser,
    RevokeKey,
    RevokeProject,
    RevokeToken,
    RevokeUser,
)
from streams.access.caller import DEFAULT_PROJECT, Role
from streams.access.passwords import is_hash
from streams.checks import ID_LIMIT, PROJECT
from streams.codes.access import AccessCode
from streams.errors import Code, ConflictError, InvalidError, NotFoundError
from streams.repeats import check_repeat, digest_of

__all__ = ["COMMANDS", "QUOTA_NAMES", "AccessCommand", "Change", "Rows", "changes", "check_command", "check_project"]

AccessCommand = (
    AddProject | ChangeProject | RevokeProject | AddUser | ChangeUser | RevokeUser | AddKey | RevokeKey | RevokeToken
)
COMMANDS: Final[tuple[type, ...]] = get_args(AccessCommand)
Change = tuple[str, str, AccessRecord | None]
"""Kind and name of a row, and what it is from now on; None: no more."""
Rows = Callable[[str], Sequence[AccessRecord]]
"""The rows of a kind."""

_USER: Final = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_ACCESS_KEY: Final = re.compile(r"[A-Z0-9]{16,64}")
_TOKEN: Final = re.compile(r"[0-9a-f]{8,64}")
_LONGEST_TITLE: Final = 256
_LONGEST_SECRET: Final = 1024
QUOTA_NAMES: Final = (
    "datasets",
    "jobs",
    "series",
    "stored_bytes",
    "services",
    "replicas",
    "training_jobs",
    "running_versions",
)
"""What a project may have so much of; `streams.quotas.limits` says what each counts."""
_ROLES: Final = tuple(role.name.lower() for role in Role)


def check_project(field: str, project: str) -> None:
    """RejectedError unless it can be a project's id."""
    if not PROJECT.fullmatch(project) or project == DEFAULT_PROJECT:
        text = f"{field}: found {project[:80]!r}, expected 1 to 64 characters of A-Z a-z 0-9 _ -, but not default"
        raise InvalidError(Code.INVALID_NAME, text)


def _check_user(field: str, user: str) -> None:
    """RejectedError unless it can be a user's name."""
    if not _USER.fullmatch(user):
        text = f"{field}: found {user[:80]!r}, expected 1 to 64 characters of A-Z a-z 0-9 _ . @ -"
        raise InvalidError(Code.INVALID_NAME, text)


def check_command(command: AccessCommand) -> None:
    """RejectedError where the command can never be followed, whoever sends it."""
    default_too = isinstance(command, AddUser | ChangeUser | ChangeProject)
    for name, check in _CHECKS.items():
        value = getattr(command, name, None)
        if value is not None and not (name == "project" and value == "" and default_too):
            check(name, value)


def _check_quotas(field: str, quotas: Mapping[str, int]) -> None:
    for name, limit in quotas.items():
        if name not in QUOTA_NAMES:
            text = f"{field}: found {name[:40]!r}, expected some of {', '.join(QUOTA_NAMES)}"
            raise InvalidError(Code.INVALID_REQUEST, text)
        if not -1 <= limit <= ID_LIMIT:
            text = f"{field}: {name} is {limit}, expected a whole number from 0, or -1 for the settings' own"
            raise InvalidError(Code.INVALID_REQUEST, text)


def _check_role(field: str, role: str) -> None:
    if role not in _ROLES:
        text = f"{field}: found {role[:40]!r}, expected one of {', '.join(_ROLES)}"
        raise InvalidError(Code.INVALID_REQUEST, text)


def _check_hash(field: str, text: str) -> None:
    if not is_hash(text):
        words = f"{field}: expected argon2id's text form, $argon2id$v=19$m=…, of at most 256 MiB"
        raise InvalidError(Code.INVALID_REQUEST, words)


def _check_token_id(field: str, token_id: str) -> None:
    if not _TOKEN.fullmatch(token_id):
        raise InvalidError(Code.INVALID_REQUEST, f"{field}: expected the claim jti of a token")


def _check_title(field: str, text: str) -> None:
    if len(text) > _LONGEST_TITLE:
        raise InvalidError(Code.INVALID_REQUEST, f"{field}: expected at most {_LONGEST_TITLE} characters")


def _check_access_key(field: str, access_key: str) -> None:
    if not _ACCESS_KEY.fullmatch(access_key):
        text = f"{field}: found {access_key[:80]!r}, expected 16 to 64 characters of A-Z 0-9"
        raise InvalidError(Code.INVALID_NAME, text)


def _check_secret(field: str, text: str) -> None:
    if len(text) > _LONGEST_SECRET:
        raise InvalidError(Code.INVALID_REQUEST, f"{field}: expected at most {_LONGEST_SECRET} characters")


_CHECKS: Final[Mapping[str, Callable[[str, Any], None]]] = {
    "project": check_project,
    "user": _check_user,
    "role": _check_role,
    "password_hash": _check_hash,
    "title": _check_title,
    "quotas": _check_quotas,
    "access_key": _check_access_key,
    "secret": _check_secret,
    "token_id": _check_token_id,
}


def changes(rows: Rows, command: AccessCommand, at: int) -> list[Change]:
    """What the command makes of the rows, at this time; the row that it is about comes first.

    None of them where it has been applied before. RejectedError where the present state does not allow it.
    """
    match command:
        case AddProject() | AddUser() | AddKey():
            return _added(rows, command, at)
        case ChangeProject():
            return _project_changed(rows, command, at)
        case ChangeUser():
            return _user_changed(rows, command, at)
        case RevokeToken():
            return _token_revoked(rows, command, at)
        case _:
            return _revoked(rows, command)


def _find(rows: Rows, kind: str, name: str) -> AccessRecord | None:
    return next((it for it in rows(kind) if it.name == name), None)


def _named(rows: Rows, kind: str, name: str) -> AccessRecord:
    found = _find(rows, kind, name)
    if found is None:
        codes = {"project": AccessCode.UNKNOWN_PROJECT, "user": AccessCode.UNKNOWN_USER, "key": AccessCode.UNKNOWN_KEY}
        raise NotFoundError(codes[kind], f"there is no {kind} {name}")
    return found


def _added(rows: Rows, command: AddProject | AddUser | AddKey, at: int) -> list[Change]:
    made = _made(rows, command, at)
    known = _find(rows, made.kind, made.name)
    if known is None:
        return [(made.kind, made.name, made)]
    if known.command_id != made.command_id:
        raise ConflictError(Code.NAME_TAKEN, f"there is a {made.kind} {made.name} already: choose another name")
    check_repeat(command, known.digest, f"{made.kind} {made.name}", made.digest)
    return [(made.kind, made.name, known)]


def _made(rows: Rows, command: AddProject | AddUser | AddKey, at: int) -> AccessRecord:
    """The row of what is added."""
    new = AccessRecord(kind="", name="", command_id=command.command_id, created=at, digest=digest_of(command))
    match command:
        case AddProject():
            return replace(new, kind="project", name=command.project, title=command.title)
        case AddUser():
            _check_known_project(rows, command.project)
            made = replace(new, kind="user", name=command.user, project=command.project, role=command.role)
            return replace(made, secret=command.password_hash, valid_from=at)
        case AddKey():
            _named(rows, "user", command.user)
            return replace(new, kind="key", name=command.access_key, user=command.user, secret=command.secret)


def _check_known_project(rows: Rows, project: str) -> None:
    if project and _find(rows, "project", project) is None:
        text = f"project: there is no project {project}: add it first"
        raise ConflictError(AccessCode.UNKNOWN_PROJECT, text)


def _revoked(rows: Rows, command: RevokeProject | RevokeUser | RevokeKey) -> list[Change]:
    """What goes, with all that goes with it."""
    match command:
        case RevokeKey():
            _named(rows, "key", command.access_key)
            return [("key", command.access_key, None)]
        case RevokeUser():
            _check_administrators(rows, _named(rows, "user", command.user), "")
            keys: list[Change] = [("key", it.name, None) for it in rows("key") if it.user == command.user]
            return [("user", command.user, None), *keys]
        case RevokeProject():
            _named(rows, "project", command.project)
            _check_unused(rows, command.project)
            return [("project", command.project, None), ("quotas", command.project, None)]


def _check_unused(rows: Rows, project: str) -> None:
    users = [it.name for it in rows("user") if it.project == project]
    if users:
        shown = ", ".join(users[:10])
        text = f"project {project} has users ({shown}): revoke them, or give them another project, first"
        raise ConflictError(AccessCode.IN_USE, text)


def _project_changed(rows: Rows, command: ChangeProject, at: int) -> list[Change]:
    """Title and quotas have rows of their own: the default project has the latter alone."""
    project = _named(rows, "project", command.project) if command.project else None
    known = _find(rows, "quotas", command.project)
    if known is not None and known.command_id == command.command_id:
        check_repeat(command, known.digest, f"project {command.project or DEFAULT_PROJECT}", digest_of(command))
        return [("quotas", command.project, known)]
    quotas = {**({} if known is None else known.quotas), **command.quotas}
    made = AccessRecord(
        kind="quotas",
        name=command.project,
        command_id=command.command_id,
        created=at if known is None else known.created,
        digest=digest_of(command),
        quotas={name: limit for name, limit in quotas.items() if limit >= 0},
    )
    changed: list[Change] = [("quotas", command.project, made)]
    if command.title is not None:
        if project is None:
            raise InvalidError(Code.INVALID_REQUEST, "title: the default project has none")
        changed.append(("project", project.name, replace(project, title=command.title)))
    return changed


def _token_revoked(rows: Rows, command: RevokeToken, at: int) -> list[Change]:
    """The token is void, and those that would have ended by now are forgotten."""
    new = AccessRecord(kind="token", name=command.token_id, command_id=command.command_id, created=at)
    over: list[Change] = [("token", it.name, None) for it in rows("token") if it.expires < at]
    return [("token", command.token_id, replace(new, expires=command.expires)), *over]


def _user_changed(rows: Rows, command: ChangeUser, at: int) -> list[Change]:
    known = _named(rows, "user", command.user)
    if known.command_id == command.command_id:
        check_repeat(command, known.digest, f"user {known.name}", digest_of(command))
        return [("user", known.name, known)]
    if command.project is not None:
        _check_known_project(rows, command.project)
    if command.role is not None:
        _check_administrators(rows, known, command.role)
    made = replace(
        known,
        command_id=command.command_id,
        digest=digest_of(command),
        project=known.project if command.project is None else command.project,
        role=known.role if command.role is None else command.role,
    )
    if command.password_hash is not None:
        made = replace(made, secret=command.password_hash, valid_from=at)
    return [("user", known.name, made)]


def _check_administrators(rows: Rows, user: AccessRecord, role: str) -> None:
    """RejectedError where nobody would be left who may add users."""
    admin = Role.ADMIN.name.lower()
    if user.role == admin != role and not any(it.role == admin for it in rows("user") if it.name != user.name):
        text = f"user {user.name} is the last administrator: add another one first"
        raise ConflictError(AccessCode.LAST_ADMINISTRATOR, text)
