"""What ids, names, keys, times, paths and JSON must be, in every system, whoever sends them, by whichever door."""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any, Final

from connectors.objects import keys, layout
from connectors.objects.keys import BadKeyError
from connectors.objects.layout import Who
from streams.errors import Code, InvalidError, RejectedError
from streams.messages import Message, time_of

__all__ = [
    "ID_LIMIT",
    "PROJECT",
    "check_command",
    "check_id",
    "check_kept",
    "check_key",
    "check_moment",
    "check_name",
    "check_text",
    "invalid_field",
    "nearest_name",
    "object_key",
    "path_key",
    "project_key",
]

ID_LIMIT: Final = 2**53 - 1  # the largest integer that every JSON reader keeps exactly (decision 9)
PROJECT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""The id of a project; that of the default project is empty."""
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,32}")
_LONGEST_ID: Final = 255  # characters, as an Idempotency-Key; ids are kept in rows and repeated in answers
_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799  # seconds: the years 1 to 9999, which a time can be shown of
_LONGEST_PATH: Final = 1024  # characters, as an S3 key
_DEEPEST: Final = 20  # what people write has five levels; at 255 our own writer of JSON gives up
_LARGEST: Final = 2**63 - 1  # of whole numbers in JSON that is kept
_LONGEST_NAME: Final = 60  # characters of a field's name that are compared


def invalid_field(field: str, text: str) -> RejectedError:
    """What to raise of a field that cannot be what it is; `text` says what was found and what is expected."""
    return InvalidError(Code.INVALID_REQUEST, f"{field}: {text}")


def check_command(message: Message, command: Any) -> None:
    """RejectedError where the command's id or project cannot be, or the record's time cannot be shown."""
    check_text("command_id", command.command_id)
    project = getattr(command, "project", "")
    if project and not PROJECT.fullmatch(project):
        raise invalid_field("project", f"found {project[:80]!r}, expected 1 to 64 of A-Z a-z 0-9 _ -")
    if not _EARLIEST <= message.timestamp <= _LATEST:
        raise InvalidError(
            Code.WRONG_TIME,
            f"the record's timestamp, {time_of(message)} ms, is not within the years 1 to 9999: let the "
            "producer send the time now",
        )


def check_text(field: str, text: str, *, longest: int = _LONGEST_ID) -> None:
    """RejectedError where an id is too long to be repeated in whatever comes of it."""
    if len(text) > longest:
        raise InvalidError(Code.ID_TOO_LONG, f"{field}: has {len(text)} characters, at most {longest} are allowed")


def check_moment(field: str, milliseconds: int | None) -> None:
    """RejectedError unless a sender's time, where there is one, can be kept and shown."""
    if milliseconds is not None and not _EARLIEST * 1000 <= milliseconds < (_LATEST + 1) * 1000:
        raise invalid_field(field, "is not within the years 1 to 9999: send epoch milliseconds")


def check_kept(value: Any) -> None:
    """ValueError, in words, for what nests too deeply or has whole numbers beyond 64 bits."""
    layer = [value]
    for _ in range(_DEEPEST + 1):
        if not layer:
            return
        layer = [inner for outer in layer for inner in _inside(outer)]
    raise ValueError(f"expected at most {_DEEPEST} arrays and objects inside one another")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"expected whole numbers between -{_LARGEST} and {_LARGEST}")
    return ()


def nearest_name(name: str, known: Collection[str], near: float) -> str | None:
    """The known name that may have been meant, where as large a part as `near` of the letters is the same."""
    by_letters = {one.lower(): one for one in known}
    found = get_close_matches(name[:_LONGEST_NAME].lower(), by_letters, n=1, cutoff=near)
    return by_letters[found[0]] if found else None


def check_id(field: str, value: int) -> None:
    """RejectedError unless the value can be an id."""
    if not 1 <= value <= ID_LIMIT:
        raise InvalidError(Code.INVALID_ID, f"{field} is {value}, expected 1 to {ID_LIMIT}")


def check_key(field: str, value: int, key: bytes | None) -> None:
    """RejectedError unless a record's key is this id as text: another one lies in a partition of its own."""
    if key != b"%d" % value:
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the {field}, {value}, as text")


def check_name(name: str | None) -> None:
    """RejectedError unless the name is absent or at most 32 characters of A-Z a-z 0-9 _ (contract J-031, J-043)."""
    if name is not None and not _NAME.fullmatch(name):
        raise InvalidError(Code.INVALID_NAME, f"name {name[:40]!r}: use 1 to 32 characters of A-Z a-z 0-9 _")


def object_key(field: str, path: str, *, project: str = "", written: bool = False) -> str:
    """The object's key of a path that a project's users may have read, or written.

    Of `s3://bucket/key` the bucket plays no part. RejectedError, naming the field, for any other.
    """
    key = path_key(field, path)
    allowed, folders = (layout.may_write, layout.writable) if written else (layout.may_read, layout.readable)
    if not allowed(Who.USER, key):
        places = " or ".join(f"/{folder}/" for folder in folders(Who.USER))
        text = f"found {path[:200]!r}, expected a path below {places}: the rest is the service's own"
        raise invalid_field(field, text)
    return project_key(field, project, key)


def project_key(field: str, project: str, key: str) -> str:
    """Where what a project's users call so lies; RejectedError where that is too long for the store."""
    kept = layout.in_project(project, key)
    try:
        keys.check_key(kept)
    except BadKeyError:
        raise invalid_field(field, f"has {len(key)} characters, which are too many: use a shorter path") from None
    return kept


def path_key(field: str, path: str) -> str:
    """The object's key of a path, or of `s3://bucket/key` or `obs://bucket/key`, wherever it leads.

    RejectedError where it cannot be one.
    """
    if len(path) > _LONGEST_PATH:
        raise invalid_field(field, f"expected at most {_LONGEST_PATH} characters")
    key = path
    if path.startswith(("s3://", "obs://")):
        key = path.partition("://")[2].partition("/")[2]
    key = key.removeprefix("/").removesuffix("/")
    try:
        keys.check_key(key)
    except BadKeyError:
        raise invalid_field(
            field, f"found {path!r}, expected a path such as /uploads/batch.jsonl of letters, digits and . _ = -"
        ) from None
    return key
