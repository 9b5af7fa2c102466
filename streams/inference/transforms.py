"""Transform jobs as values: what may be asked for, and how a job's row moves forward."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from connectors.objects import layout
from connectors.objects.endpoints import UnknownEndpointError
from schemas.inference import StartTransform, TransformRecord
from streams.access import names
from streams.checks import invalid_field, object_key
from streams.codes.inference import InferenceCode
from streams.errors import NotFoundError
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
    "ended",
    "is_complete",
    "misplaced",
    "stopping",
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
    project, name = names.project_of(command.name), names.shown(command.name)
    if not _NAME.fullmatch(name):
        raise invalid_field("TransformJobName", f"found {name[:80]!r}, expected 1 to 64 of A-Z, a-z, 0-9, _ and -")
    if names.project_of(command.model_name) != project:
        raise NotFoundError(InferenceCode.UNKNOWN_ENDPOINT, f"ModelName: {UnknownEndpointError(command.model_name)}")
    for name, value, choices in (
        ("AssembleWith", command.assemble_with, ("Line", "None")),
        ("on_error", command.on_error, ("fail", "emit")),
    ):
        if value not in choices:
            raise invalid_field(name, f"found {value[:80]!r}, expected {' or '.join(choices)}")
    if len(command.inference_config or "") > _LONGEST_CONFIG:
        raise invalid_field("DEEPAR_INFERENCE_CONFIG", f"expected at most {_LONGEST_CONFIG} characters")
    source = object_key("S3Uri", command.input_path, project=project)
    folder = layout.named(object_key("S3OutputPath", command.output_path, project=project, written=True))[1]
    file = f"{folder}/{source.rpartition('/')[2]}.out"
    output = object_key("S3OutputPath", file, project=project, written=True)
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


def misplaced(record: TransformRecord) -> str | None:
    """Why a job must not go on whose row is of a release that let users name what is the service's own; else None."""
    for field, key in (("S3Uri", record.input_path), ("S3OutputPath", record.output_key)):
        project, path = layout.named(key)
        if layout.is_own(path) or project != names.project_of(record.name):
            text = "is the service's own: start the job again with a path below /uploads/ or /outputs/"
            return f"{field}: /{path} {text}"
    return None


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
