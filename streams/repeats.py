"""Tells a command that comes again from another one under its id: the first is harmless, the second a mistake.

At least once means that commands come again. Who keeps a command's id keeps a digest of its content beside it.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

from schemas.forecasting import JobRecord, SeriesConfig, SubmitJob
from streams.errors import Code, ConflictError
from streams.messages import Message, time_of

__all__ = [
    "check_repeat",
    "digest_known",
    "digest_of",
    "is_of_an_earlier",
    "with_command",
    "with_one_of_many",
]

_MOST_COMMANDS: Final = 1000  # whose ids are kept once a job has many: a repeat comes soon
_BYTES: Final = 8  # ids are chosen apart from their content: nobody gains by two contents of one digest
_SCALARS: Final = (str, int, float, type(None))
_settings_of = attrgetter(*(field.name for field in fields(SeriesConfig) if field.name != "ts_id"))


def check_repeat(command: Any, known: str, of: str, digest: str | None = None) -> None:
    """RejectedError where the command, whose id was used before, has not the content that it had then.

    `known` is the digest that was kept, empty where none was: releases before 2026-11-29 kept the id alone. `of` says
    whose command it was, `digest` is this command's where it is at hand.
    """
    if known and known != (digest or digest_of(command)):
        raise ConflictError(
            Code.COMMAND_ID_REUSED,
            f"command_id: {command.command_id!r} was used before, by a command for {of} with other content; this "
            f"{type(command).__name__} has changed nothing: send it under a new command_id",
        )


def is_of_an_earlier(message: Message, *, created: int, offset: int) -> bool:
    """Whether a command about something by its name meant what had the name before, and so comes again.

    `created` is when the log got the command that made what has the name now, in milliseconds, and `offset` where it
    lies in the log. Both have to say so: a log that was copied counts anew, and the clocks of producers differ.
    """
    return message.offset < offset and time_of(message) <= created


def digest_known(job: JobRecord, command_id: str) -> str | None:
    """What was kept of a command that is done, empty where that was its id alone; None: it is not done."""
    if command_id not in job.commands:
        return None
    place = job.commands.index(command_id)
    return job.digests[place] if place < len(job.digests) else ""


def with_command(job: JobRecord, command_id: str, digest: str) -> dict[str, Any]:
    """The fields of the job's row once the command is done."""
    unknown = [""] * (len(job.commands) - len(job.digests))
    return {"commands": (*job.commands, command_id), "digests": (*job.digests, *unknown, digest)}


def with_one_of_many(job: JobRecord, command: Any) -> dict[str, Any]:
    """The same of a command that may come again and again, such as a refresh by hand.

    Kept are the latest, and the first, by which the job was made.
    """
    known = with_command(job, command.command_id, digest_of(command))
    return {name: (*ids[:1], *ids[1:][-_MOST_COMMANDS:]) for name, ids in known.items()}


def digest_of(command: Any) -> str:
    """What a command says, but for its id: the same in whatever schema version it was written, by whatever encoder.

    A field at its default counts for nothing, so that fields which are added later do not change it.
    """
    content = json.dumps([type(command).__name__, _plain(command)], sort_keys=True, separators=(",", ":"))
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=_BYTES).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, SubmitJob):
        return {"job_id": value.job_id, "elements": _elements(value.elements)}
    if is_dataclass(value) and not isinstance(value, type):
        shown = ((name, getattr(value, name), default) for name, default in _defaults(type(value)))
        return {
            name: one if isinstance(one, _SCALARS) else _plain(one) for name, one, default in shown if one != default
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value]


def _elements(elements: Sequence[SeriesConfig]) -> list[Any]:
    """Mostly thousands that differ in ts_id alone: their settings are written once."""
    places: dict[tuple[Any, ...], int] = {}
    different: list[SeriesConfig] = []
    place_of = []
    for element in elements:
        settings = _settings_of(element)
        place = places.get(settings)
        if place is None:
            place = places[settings] = len(different)
            different.append(element)
        place_of.append(place)
    numbers = struct.pack(f"<{len(elements)}q", *(element.ts_id for element in elements))
    numbers += struct.pack(f"<{len(elements)}I", *place_of)
    settings_only = ({**_plain(element), "ts_id": 0} for element in different)
    return [blake2b(numbers, digest_size=_BYTES).hexdigest(), *settings_only]


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, _default(field)) for field in fields(kind) if field.name != "command_id")


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default  # MISSING, which no value equals, where there is none
