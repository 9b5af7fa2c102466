"""Keeps observations as rows of their data sets, in the object store, where every worker reads them."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from faust.agents import Agent

from connectors.datasets.added_rows import AddedRow, append
from connectors.kafka.publisher import Record
from connectors.objects.store import ObjectStore
from schemas.coding.wire import UndecodableError
from schemas.observations import DatasetGrown, Observation
from streams.checks import check_command, check_key
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.engine.transport import batches
from streams.engine.tries import together
from streams.errors import RejectedError
from streams.messages import Consumed, Event, time_of
from streams.observations.checks import checked
from streams.observations.forms import form_of
from streams.runtime import StateRuntime

__all__ = ["attach"]

_TOGETHER: Final = 10_000  # observations: a file for each data set among them

_Of = tuple[Consumed, Observation]


def attach(state: StateRuntime) -> Agent:
    """Register `keep_observations` on the state's app."""
    app, topic = state.app, state.topics.observations

    @agent_on(app, topic, "keep_observations")
    async def keep_observations(stream: Any) -> None:
        """Keep observations in their order; what cannot be a row goes back to its sender or to the dead letters."""
        async for events in batches(app, stream, _TOGETHER):
            state.metrics.observe_batch("keep_observations", len(events))
            await together(state, "keep_observations", events, partial(_keep, state))

    return keep_observations


async def _keep(state: StateRuntime, events: Sequence[Event]) -> None:
    """1. write the rows, 2. tell the senders, 3. tell who has jobs on the data sets, and write the dead letters.

    Done again it comes to the same.
    """
    letters, moved, told = [], [], list[Record]()
    by_dataset: dict[tuple[int, str], list[_Of]] = {}
    for event in events:
        message = event.message
        try:
            observation = _read(state, message)
        except (UndecodableError, RejectedError) as error:
            letters.append(state.dead_letter(message, error))
            continue
        if (elsewhere := state.moved(message)) is not None:
            moved.append(elsewhere)
        else:
            by_dataset.setdefault((observation.data_id, observation.project), []).append((message, observation))
    for (data_id, project), those in by_dataset.items():
        check_writer(state.app, events[0])  # all are of one assignment
        found = await asyncio.to_thread(_kept, state.store, data_id, project, those)
        for (message, observation), row in zip(those, found, strict=True):
            if isinstance(row, RejectedError):
                if not (observation.command_id and state.waiters.refused(observation.command_id, row)):
                    letters.append(state.dead_letter(message, row))
            elif observation.command_id:
                state.waiters.applied(observation.command_id)
        told += _grown(
            state,
            data_id,
            project,
            [one for (one, _), row in zip(those, found, strict=True) if isinstance(row, AddedRow)],
        )
    await state.publisher.send([*moved, *letters, *told])


def _grown(state: StateRuntime, data_id: int, project: str, kept: Sequence[Consumed]) -> Sequence[Record]:
    """What each partition is told of rows that were kept, which are in the order of their log."""
    if not kept:
        return ()
    starts = [kept[0]]
    for message in kept:
        if time_of(message) != time_of(starts[-1]):
            starts.append(message)
    grown = DatasetGrown(
        data_id, kept[-1].offset, tuple(one.offset for one in starts), tuple(map(time_of, starts)), project
    )
    value, topic = state.codec.encode(grown), state.topics.dataset_changes
    return [Record(topic, b"%d" % data_id, value, partition=place) for place in range(state.topics.partitions)]


def _read(state: StateRuntime, message: Consumed) -> Observation:
    observation = state.codec.decode(message.value)
    if not isinstance(observation, Observation):
        raise UndecodableError(f"a {type(observation).__name__} on the topic of observations")
    check_command(message, observation)
    check_key("data_id", observation.data_id, message.key)
    return observation


def _kept(store: ObjectStore, data_id: int, project: str, those: Sequence[_Of]) -> Sequence[AddedRow | RejectedError]:
    """What became of each of a data set's observations, once the rows among them are in the store."""
    try:
        form = form_of(store, data_id, project)
    except RejectedError as error:
        return [error] * len(those)
    found = checked(form, [observation for _, observation in those], [message.offset for message, _ in those])
    rows = [row for row in found if isinstance(row, AddedRow)]
    if rows:
        append(store, data_id, rows)
    return found
