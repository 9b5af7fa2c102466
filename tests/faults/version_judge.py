"""The judge of versions of training jobs: each has come to one end, told once, and its log is whole. Talks to nobody.

Of each version that was asked for:

1. training-status: whatever ends are told are one and the same, and after the end nothing else is said;
2. its row, as the changelog has it: the status never goes back, and ends as was told and as GET shows it; of a deleted
   version there is no row, and none comes back;
3. its log: of each attempt the lines 0, 1, 2 … of its program without a gap and none twice, of the last attempt of a
   version that has completed all of them; what training-logs has of it is what the log has at that place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from schemas.coding.codec import Codec
from schemas.training_rows import TrainingVersionRecord
from streams.topics import Topics
from tests.faults.seen import Decoded, Event, Finding, LogRecord

__all__ = ["ENDS", "AskedVersion", "version_findings"]

ENDS: Final = frozenset((5, 10, 11, 12, 13, 14))
_ORDER: Final = (1, 7, 8, 9)  # before an end
_COMPLETED: Final = 10
_BEGINS: Final = re.compile(r"^\S+ begins: ", re.MULTILINE)
_LINE: Final = re.compile(r"^line (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class AskedVersion:
    """A version, and what HTTP shows of it: its status, None where it is gone, and its log; `lines` it prints."""

    project_id: str
    job_id: int
    version_id: int
    ends_as: frozenset[int]
    status: int | None
    log: bytes = b""
    lines: int = 0


def version_findings(
    topics: Topics, log: Mapping[str, Sequence[LogRecord]], asked: Sequence[AskedVersion], codec: Codec
) -> list[Finding]:
    """All that is wrong."""
    decoded, found = Decoded(log, codec), list[Finding]()
    for version in asked:
        told = _of_version(decoded[topics.training_status], version)
        found += _of_statuses(version, [(event.says.status, event.says.at) for event in told])
        found += _of_row(version, decoded[topics.training_versions_changelog])
        found += _of_log(version, _of_version(decoded[topics.training_logs], version))
    if decoded.unreadable:
        found.append(Finding("unreadable", f"{[record[:4] for record in decoded.unreadable]}"))
    if letters := log.get(topics.dead_letters, ()):
        found.append(Finding("dead letters", f"{len(letters)}"))
    return found


def _of_version(events: Sequence[Event], version: AskedVersion) -> list[Event]:
    return [
        event
        for event in events
        if event.says is not None
        and (event.says.project_id, event.says.version_id) == (version.project_id, version.version_id)
    ]


def _of_statuses(version: AskedVersion, told: Sequence[tuple[int, int]]) -> Iterator[Finding]:
    ends = {one for one in told if one[0] in ENDS}
    if version.status is None:
        return  # deleted: whatever was told before
    if len(ends) != 1 and not (version.status == 13 and not ends):  # one that no trainer was given says nothing
        yield Finding("not one end", f"told as {sorted(ends)}", version.job_id)
    elif ends and next(iter(ends))[0] != version.status:
        yield Finding("wrong end", f"told as {sorted(ends)}, shown with status {version.status}", version.job_id)
    first = next((place for place, one in enumerate(told) if one[0] in ENDS), len(told))
    if any(one not in ends for one in told[first:]):
        yield Finding("told after the end", f"{told[first:]}", version.job_id)
    if version.status not in version.ends_as:
        yield Finding("wrong end", f"status {version.status}, expected {sorted(version.ends_as)}", version.job_id)


def _of_row(version: AskedVersion, rows: Sequence[Event]) -> Iterator[Finding]:
    key = f"{version.project_id}/{version.job_id}/{version.version_id}".encode()
    written: list[TrainingVersionRecord | None] = [event.says for event in rows if event.record.key == key]
    statuses = [None if row is None else row.status for row in written]
    for old, new in pairwise(statuses):
        if old is None:
            yield Finding("came back", "a row was written of what was deleted", version.job_id)
        elif new is not None and new != old and (old in ENDS or _place(new) < _place(old)):
            yield Finding("wrong move", f"from {old} to {new}", version.job_id)
    if not statuses or statuses[-1] != version.status:
        yield Finding("wrong row", f"{statuses[-1:]}, shown with status {version.status}", version.job_id)


def _place(status: int) -> int:
    return len(_ORDER) if status in ENDS else _ORDER.index(status)


def _of_log(version: AskedVersion, chunks: Sequence[Event]) -> Iterator[Finding]:
    for event in chunks:
        data, start = event.says.text.encode(), event.says.offset
        if version.status is not None and version.log[start : start + len(data)] != data:
            yield Finding("other log", f"at byte {start} training-logs has {data[:60]!r}", version.job_id)
    attempts = _BEGINS.split(version.log.decode())[1:]
    numbers = [[int(number) for number in _LINE.findall(attempt)] for attempt in attempts]
    for lines in numbers:
        if lines != list(range(len(lines))):
            yield Finding("torn log", f"the lines of an attempt are {lines}", version.job_id)
    if version.status == _COMPLETED and version.lines and (not numbers or len(numbers[-1]) != version.lines):
        yield Finding("log lost", f"{[len(lines) for lines in numbers]} lines, not {version.lines}", version.job_id)
