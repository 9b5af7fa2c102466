"""Follows what trainers tell of versions."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from agents.training.dispatch import Dispatch
from agents.training.rows import Rows
from connectors.objects import endpoints
from schemas.coding.wire import UndecodableError
from schemas.training import TrainingStatus
from schemas.training_rows import TrainingVersionRecord
from streams.codes.training import TrainingCode
from streams.errors import Code, InvalidError, RejectedError, TooLargeError
from streams.inference.state import InferenceProcesses
from streams.messages import Event, Message
from streams.runtime import StateRuntime
from streams.training import versions as training_versions
from streams.training.state import TrainingJobsState
from streams.training.states import ENDED, TrainingState

__all__ = ["track"]

_LARGEST_STATUS: Final = 65_536  # bytes; a trainer's are below 30,000, and what is kept must fit into the row


async def track(state: StateRuntime, dispatch: Dispatch, events: Sequence[Event]) -> None:
    """1. the rows, each once, 2. endpoints of jobs that are gone, 3. whose turn it is where a version has ended.

    Ends when the broker has all. A repeat finds what has ended, and does the rest again.
    """
    tracked = _Tracked(state)
    for event in events:
        tracked.add(event)
    await asyncio.gather(*tracked.write())
    for project_id, event in tracked.ended.items():
        await dispatch.fill(Rows.of(state, event), project_id)


class _Tracked:
    """What a batch of statuses comes to."""

    def __init__(self, state: StateRuntime) -> None:
        self._state = state
        self._tables = TrainingJobsState.of(state)
        self._changed: dict[tuple[str, int, int], tuple[Event, TrainingVersionRecord]] = {}
        self._writes: list[Any] = []
        self.ended: dict[str, Event] = {}
        """Projects in which a version has come to its end."""

    def add(self, event: Event) -> None:
        """Take one status, in the order of the log."""
        state, message = self._state, event.message
        try:
            told = _told(state, message)
            if (moved := state.moved(message)) is not None:
                self._writes.append(state.publisher.send_nowait([moved]))
            else:
                self._follow(event, told)
        except (UndecodableError, RejectedError) as error:
            self._writes.append(state.publisher.send_nowait([state.dead_letter(message, error)]))

    def _follow(self, event: Event, told: TrainingStatus) -> None:
        key = told.project_id, told.job_id, told.version_id
        self._writes += Rows.of(self._state, event).take_up(told.project_id, told.job_id)
        version = self._changed[key][1] if key in self._changed else self._tables.version(*key)
        if version is None:
            if self._tables.job(told.project_id, told.job_id) is None:
                self._writes.append(_forget(self._state, told))
            return
        self._changed[key] = event, training_versions.advanced(version, told)
        if told.endpoint is not None:  # it may serve another version from now on
            InferenceProcesses.of(self._state).endpoints.forget(told.endpoint)
        if told.status in ENDED:
            self.ended[told.project_id] = event

    def write(self) -> "list[Any]":
        """What is to be waited for, rows included. Nothing runs between the reading of a row and its writing."""
        for key, (event, version) in self._changed.items():
            rows = Rows.of(self._state, event)
            if version is not self._tables.version(*key):
                self._writes.append(rows.put_version(version))
            else:
                self._writes += rows.refresh(version.project_id, version.job_id)
        return self._writes


def _told(state: StateRuntime, message: Message) -> TrainingStatus:
    size = len(message.value or b"")
    if size > _LARGEST_STATUS:
        raise TooLargeError(TrainingCode.STATUS_TOO_LARGE, f"{size} bytes, at most {_LARGEST_STATUS} are kept")
    told = state.codec.decode(message.value)
    if not isinstance(told, TrainingStatus):
        raise UndecodableError(f"a {type(told).__name__} on the topic of training status")
    if message.key != told.project_id.encode():
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the project_id, {told.project_id[:80]}")
    return told


async def _forget(state: StateRuntime, told: TrainingStatus) -> None:
    """A job that was deleted while its trainer made the endpoint must not come back to life as one."""
    if told.status == TrainingState.COMPLETED and told.endpoint is not None:
        await asyncio.to_thread(endpoints.delete_of_job, state.store, told.project_id, told.job_id, told.endpoint)
