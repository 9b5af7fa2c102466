"""The state of users' models: applies the commands that add and remove them."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from faust.agents import Agent

from connectors.objects import scoring_models
from connectors.objects.keys import BadKeyError
from connectors.objects.scoring_models import is_incoming
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from schemas.scoring import AddModel, DeleteModel, ModelRecord
from streams import idempotency
from streams.access.names import shown
from streams.codes.scoring import ScoringCode
from streams.command_edge import CommandTopic, handle_all, tell_given_up
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.engine.tries import GivenUpError
from streams.errors import Code, InvalidError, RejectedError, TooLargeError
from streams.messages import Event, time_of
from streams.repeats import check_repeat, digest_of, is_of_an_earlier
from streams.runtime import StateRuntime
from streams.scoring import models as scoring
from streams.scoring.calls import Inspection, InspectionReply
from streams.scoring.state import ScoringState

__all__ = ["attach"]

_AGENT = "register_models"


def _check_key(command: AddModel | DeleteModel, key: bytes | None) -> None:
    if key != scoring.key_of(command.name):
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the name, {command.name[:129]}")


_TOPIC = CommandTopic("model commands", (AddModel, DeleteModel), _check_key)


def attach(state: StateRuntime) -> Agent:
    """Register `register_models` on the state's app."""

    @agent_on(state.app, state.topics.model_commands, _AGENT)
    async def register_models(stream: Any) -> None:
        """Apply commands, those of one model in their order, those of several models side by side."""
        await handle_all(state, _AGENT, stream, _TOPIC, partial(_apply, state), _end)

    agent: Agent = register_models
    return agent


async def _end(state: StateRuntime, event: Event, error: GivenUpError) -> None:
    """1. tell the sender of a command that is given up, 2. remove the upload that it would have taken."""
    command = await tell_given_up(state, event, error)
    await asyncio.to_thread(_clear, state.store, command)


async def _apply(state: StateRuntime, event: Event, command: AddModel | DeleteModel) -> ModelRecord:
    """Apply one command; the row that it was about. An upload stays where something unexpected happened."""
    check_writer(state.app, event)
    try:
        scoring.check_command(command)
        record = ScoringState.of(state).models.get(scoring.key_of(command.name))
        if isinstance(command, DeleteModel):
            return await _delete(state, event, command, record)
        made = await _add(state, event, command, record)
    except RejectedError as error:
        if error.status != 503:
            await asyncio.to_thread(_clear, state.store, command)
        raise
    await asyncio.to_thread(_clear, state.store, command)
    return made


async def _add(state: StateRuntime, event: Event, command: AddModel, record: ModelRecord | None) -> ModelRecord:
    """1. look at the file, 2. keep it, 3. its manifest, 4. the row. A repeat goes on where the first time ended."""
    digest = _digest(command)
    if record is not None:
        if record.command_id != command.command_id:
            raise scoring.taken(command.name)
        check_repeat(command, record.digest, f"model {shown(record.name)}", digest)
        return record
    size = await asyncio.to_thread(_size_of, state, command)
    reply = await _looked(state, command)
    if reply.error is not None:
        raise InvalidError(ScoringCode.BAD_MODEL, f"file: {reply.error}")
    at, offset = time_of(event.message), event.message.offset
    made = scoring.record_of(command, reply.info, size=size, at=at, digest=digest, offset=offset)
    check_writer(state.app, event)
    await state.files.whole(size, _publish, state.store, scoring.file_of(command), made, reply.served)
    check_writer(state.app, event)
    await ScoringState.of(state).models.put(event.message.partition, scoring.key_of(made.name), made)
    return made


async def _looked(state: StateRuntime, command: AddModel) -> InspectionReply:
    asked = Inspection(
        state.settings.object_store_url, scoring.file_of(command), scoring.kind_of(command), command.task
    )
    return await ScoringState.of(state).inspectors.look(asked)


async def _delete(state: StateRuntime, event: Event, command: DeleteModel, record: ModelRecord | None) -> ModelRecord:
    """1. nobody may use it, 2. its manifest and files, 3. its Idempotency-Key is free again, 4. the row.

    In this order, because without the row nobody would know what is left to do.
    """
    if record is None:
        raise scoring.unknown(command.name)
    if is_of_an_earlier(event.message, created=record.created, offset=record.offset):
        return record  # whose upload is gone: it could not be made again
    if not command.force:
        await asyncio.to_thread(_check_unused, state, record)
    await asyncio.to_thread(scoring_models.delete, state.store, record.name)
    await asyncio.to_thread(idempotency.free, state.store, record.command_id)
    check_writer(state.app, event)
    await ScoringState.of(state).models.delete(event.message.partition, scoring.key_of(record.name))
    return record


def _check_unused(state: StateRuntime, record: ModelRecord) -> None:
    """RejectedError where services use the model; after it, nobody who deploys one finds the model.

    A service notes its use before it looks for the model, so that it is seen here, or does not find it.
    """
    uses = ScoringState.of(state).uses
    services = uses.of(record.name)
    if not services:
        scoring_models.withdraw(state.store, record.name)
        services = uses.of(record.name)
    if services:
        scoring_models.offer(state.store, scoring.stored(record))
        raise scoring.in_use(record.name, services)


def _size_of(state: StateRuntime, command: AddModel) -> int:
    most = state.settings.max_model_bytes
    try:
        size = state.store.size(scoring.file_of(command))
    except (BadKeyError, ObjectNotFoundError):
        text = f"path: there is no object {command.path[:200]}: put the file into the object store first"
        raise InvalidError(Code.UNKNOWN_PATH, text) from None
    if size > most:
        text = f"file: has {size} bytes, at most {most} are accepted: send less, or raise TIDECAST_MAX_MODEL_BYTES"
        raise TooLargeError(Code.TOO_LARGE, text)
    return size


def _publish(store: ObjectStore, path: str, record: ModelRecord, served: bytes) -> None:
    with store.local_file(path) as original:
        scoring_models.publish(store, scoring.stored(record), original, served)


def _digest(command: AddModel) -> str:
    """Without an upload's place: each try of a request leaves its own, and its command's id stands for the file."""
    return digest_of(replace(command, path="") if is_incoming(command.path) else command)


def _clear(store: ObjectStore, command: AddModel | DeleteModel) -> None:
    if isinstance(command, AddModel) and is_incoming(command.path):
        with suppress(BadKeyError):
            store.delete(command.path)
