"""Transform jobs as values: what may be asked for, how a job's row moves forward, and how clients see it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from connectors.datasets.incoming import USERS, is_in
from connectors.objects.store import BadKeyError, check_key
from schemas.inference import StartTransform, TransformRecord
from streams.errors import RejectedError
from streams.repeats import digest_of

__all__ = [
    "AHEAD",
    "COMPLETED",
    "FAILED",
    "IN_PROGRESS",
    "STOPPED",
    "STOPPING",
    "Answered",
    "answered",
    "begun",
    "counted",
    "description",
    "ended",
    "is_complete",
    "object_key",
    "path_key",
    "stopping",
    "summary",
]

IN_PROGRESS: Final = "InProgress"
COMPLETED: Final = "Completed"
FAILED: Final = "Failed"
STOPPING: Final = "Stopping"
STOPPED: Final = "Stopped"

AHEAD: Final = 4096
"""How many lines a job may have sent beyond the first that is not answered, however quickly they are answered.

Enough to keep four trainers busy with full batches. It bounds the row, which is written with every batch of results.
"""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")  # as the names of endpoints, and without the colon of a request's key
_LONGEST_CONFIG: Final = 64 * 1024  # characters; nine quantiles take 200, and a row has to fit into a record
_LONGEST_PATH: Final = 1024  # characters, as an S3 key
_LONGEST_REASON: Final = 2000  # characters; a reason repeats what a line says
_BASE: Final = 8  # bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """Which lines have their answers: all below `base`, and of the lines from there on those whose bit is set."""

    base: int = 0
    bits: int = 0

    @classmethod
    def of(cls, record: TransformRecord) -> "Answered":
        """As the row keeps it."""
        return cls(int.from_bytes(record.finished[:_BASE]), int.from_bytes(record.finished[_BASE:], "little"))

    def __contains__(self, line: int) -> bool:
        return line < self.base or bool(self.bits >> (line - self.base) & 1)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.base + self.bits.bit_count()

    def joined(self, lines: Iterable[int]) -> "Answered":
        """With these lines too; none can be `AHEAD` or more above the base, so what claims to be is left out."""
        base, bits = self.base, self.bits
        for line in lines:
            if base <= line < base + AHEAD:
                bits |= 1 << (line - base)
                while bits & 1:
                    base, bits = base + 1, bits >> 1
        return Answered(base, bits)

    def to_bytes(self) -> bytes:
        """As the row keeps it."""
        return self.base.to_bytes(_BASE) + self.bits.to_bytes((self.bits.bit_length() + 7) // 8, "little")


def begun(command: StartTransform, at: int) -> TransformRecord:
    """The row of a new job; RejectedError names the field that cannot be."""
    if not _NAME.fullmatch(command.name):
        raise _refused("TransformJobName", f"found {command.name[:80]!r}, expected 1 to 64 of A-Z, a-z, 0-9, _ and -")
    for name, value, choices in (
        ("AssembleWith", command.assemble_with, ("Line", "None")),
        ("on_error", command.on_error, ("fail", "emit")),
    ):
        if value not in choices:
            raise _refused(name, f"found {value[:80]!r}, expected {' or '.join(choices)}")
    if len(command.inference_config or "") > _LONGEST_CONFIG:
        raise _refused("DEEPAR_INFERENCE_CONFIG", f"expected at most {_LONGEST_CONFIG} characters")
    source = object_key("S3Uri", command.input_path)
    folder = object_key("S3OutputPath", command.output_path)
    output = object_key("S3OutputPath", f"{folder}/{source.rpartition('/')[2]}.out")
    return TransformRecord(
        name=command.name,
        command_id=command.command_id,
        model_name=command.model_name,
        input_path=source,
        output_path=command.output_path,
        output_key=output,
        inference_config=command.inference_config,
        assemble_with=command.assemble_with,
        on_error=command.on_error,
        created=at,
        status=IN_PROGRESS,
        digest=digest_of(command),
    )


def object_key(field: str, path: str) -> str:
    """The object's key of a path that users may name, or of `s3://bucket/key`, whose bucket plays no part.

    RejectedError, naming the field, for any other.
    """
    key = path_key(field, path)
    if not is_in(USERS, key):
        places = " or ".join(f"/{folder}/" for folder in USERS)
        raise _refused(field, f"found {path[:200]!r}, expected a path below {places}: the rest is the service's own")
    return key


def path_key(field: str, path: str) -> str:
    """The same of any path that could be an object's, wherever it leads."""
    if len(path) > _LONGEST_PATH:
        raise _refused(field, f"expected at most {_LONGEST_PATH} characters")
    key = path
    if path.startswith("s3://"):
        key = path.removeprefix("s3://").partition("/")[2]
    key = key.removeprefix("/").removesuffix("/")
    try:
        check_key(key)
    except BadKeyError:
        raise _refused(
            field, f"found {path!r}, expected a path such as /uploads/batch.jsonl of letters, digits and . _ = -"
        ) from None
    return key


def counted(record: TransformRecord, lines: int) -> TransformRecord:
    """The row once it is known how many lines there are."""
    return replace(record, lines=lines)


def answered(record: TransformRecord, lines: Iterable[int], offset: int) -> TransformRecord:
    """The row after results for these lines, the first of which lies at `offset`; itself where they say nothing new."""
    before = Answered.of(record)
    after = before.joined(line for line in lines if line < record.lines)
    if after == before:
        return record
    return replace(
        record,
        finished=after.to_bytes(),
        first_offset=record.first_offset if before.count else offset,
    )


def is_complete(record: TransformRecord) -> bool:
    """Whether every line has its answer."""
    return Answered.of(record).base >= record.lines


def stopping(record: TransformRecord) -> TransformRecord:
    """The row of a job that is told to stop."""
    return replace(record, status=STOPPING)


def ended(record: TransformRecord, status: str, *, at: int, reason: str | None = None) -> TransformRecord:
    """The row of a job that has come to its end."""
    if reason is not None and len(reason) > _LONGEST_REASON:
        reason = f"{reason[:_LONGEST_REASON]}…"
    return replace(record, status=status, ended=at, failure_reason=reason)


def summary(record: TransformRecord) -> dict[str, Any]:
    """A job in a list."""
    shown = {
        "TransformJobName": record.name,
        "TransformJobStatus": record.status,
        "CreationTime": _time(record.created),
    }
    if record.ended is not None:
        shown["TransformEndTime"] = _time(record.ended)
    if record.failure_reason is not None:
        shown["FailureReason"] = record.failure_reason
    return shown


def description(record: TransformRecord) -> dict[str, Any]:
    """A job with what was asked for and how far it is."""
    environment: Mapping[str, str] = {}
    if record.inference_config is not None:
        environment = {"DEEPAR_INFERENCE_CONFIG": record.inference_config}
    return summary(record) | {
        "ModelName": record.model_name,
        "BatchStrategy": "SingleRecord",
        "Environment": environment,
        "TransformInput": {
            "SplitType": "Line",
            "DataSource": {"S3DataSource": {"S3Uri": f"/{record.input_path}"}},
        },
        "TransformOutput": {"AssembleWith": record.assemble_with, "S3OutputPath": record.output_path},
        "OutputFile": f"/{record.output_key}",
        "on_error": record.on_error,
        "lines": record.lines,
        "finished": Answered.of(record).count,
    }


def _refused(field: str, text: str) -> RejectedError:
    return RejectedError(400, "invalid_request", f"{field}: {text}")


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
