"""The state of services: applies the commands about them, and lets their replicas run as the rows say."""

import asyncio
from functools import partial
from typing import Any, Final

from faust.agents import Agent

from connectors.objects import scoring_models
from schemas.deployments import DeleteService, DeployService, OperateReplica, ScaleService, ServiceRecord
from schemas.scoring import ModelRecord
from streams import idempotency
from streams.access.names import project_of, shown
from streams.command_edge import CommandTopic, handle_all
from streams.deployments import services
from streams.deployments.state import DeploymentsState, note_use, release_use
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.errors import Code, InvalidError, NotFoundError, TooManyError
from streams.messages import Event, time_of
from streams.quotas.state import Quotas
from streams.repeats import check_repeat, digest_of, is_of_an_earlier
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.scoring import models as scoring

__all__ = ["attach"]

ServiceCommand = DeployService | OperateReplica | ScaleService | DeleteService
_AGENT: Final = "orchestrate_services"
_SETTLE_S: Final = 0.5  # how soon services of partitions that have just come, or gone, are seen


def _check_key(command: ServiceCommand, key: bytes | None) -> None:
    if key != services.key_of(command.service):
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the service's name, {command.service[:129]}")


_TOPIC = CommandTopic("service commands", (DeployService, OperateReplica, ScaleService, DeleteService), _check_key)


def attach(state: StateRuntime) -> Agent:
    """Register `orchestrate_services` on the state's app."""

    @agent_on(state.app, state.topics.service_commands, _AGENT)
    async def orchestrate_services(stream: Any) -> None:
        """Apply commands, those of one service in their order, those of several services side by side."""
        await handle_all(state, _AGENT, stream, _TOPIC, partial(_apply, state), beside=(_settle(state),))

    agent: Agent = orchestrate_services
    return agent


async def _settle(state: StateRuntime) -> None:
    """Replicas of rows that come with partitions are started, and those of rows that go with them ended."""
    while True:
        if is_ready(state.app):
            DeploymentsState.of(state).running.settle()
        await asyncio.sleep(_SETTLE_S)


async def _apply(state: StateRuntime, event: Event, command: ServiceCommand) -> ServiceRecord:
    """Apply one command; the row that it was about."""
    check_writer(state.app, event)
    most, key = state.settings.max_replicas, services.key_of(command.service)
    if isinstance(command, DeployService):
        services.check_deployment(command, versions=state.settings.environments, most=most)
        return await _deploy(state, event, command, DeploymentsState.of(state).services.get(key))
    services.check_change(command, most=most)
    record = DeploymentsState.of(state).services.get(key)
    if record is None:
        raise services.unknown(command.service)
    if is_of_an_earlier(event.message, created=record.created, offset=record.offset):
        return record
    match command:
        case OperateReplica():
            changed = services.operated(record, command)
        case ScaleService():
            changed = services.scaled(record, command.replicas)
        case DeleteService():
            changed = None
    if changed is None:
        return await _remove(state, event, record)
    return await _put(state, event, changed, replicas=len(changed.replicas) - len(record.replicas))


async def _deploy(
    state: StateRuntime, event: Event, command: DeployService, record: ServiceRecord | None
) -> ServiceRecord:
    """1. note that the model is used, 2. find it, 3. write the row. A repeat changes nothing.

    In this order, so that who removes a model that is still there sees that it is used.
    """
    if record is not None:
        if record.command_id != command.command_id:
            raise services.taken(command.service)
        check_repeat(command, record.digest, f"service {shown(record.name)}")
        return record
    await asyncio.to_thread(note_use, state.store, command.model_name, command.service)
    try:
        model = await asyncio.to_thread(_model, state, command.model_name)
        at, offset = time_of(event.message), event.message.offset
        made = services.deployed(command, model, at=at, digest=digest_of(command), offset=offset)
        return await _put(state, event, made, services=1, replicas=len(made.replicas))
    except (NotFoundError, TooManyError):
        await asyncio.to_thread(release_use, state.store, command.model_name, command.service)
        raise


def _model(state: StateRuntime, name: str) -> ModelRecord:
    try:
        return scoring.restored(scoring_models.manifest(state.store, name))
    except scoring_models.UnknownModelError:
        raise scoring.unknown(name) from None


async def _put(state: StateRuntime, event: Event, record: ServiceRecord, **more: int) -> ServiceRecord:
    """Write the row, where the project has room for so much more of its quotas."""
    part, partition = DeploymentsState.of(state), event.message.partition
    async with Quotas.of(state).room(partition, project_of(record.name), **more):
        check_writer(state.app, event)
        written = part.services.put(partition, services.key_of(record.name), record)
    await written
    part.running.settle()
    return record


async def _remove(state: StateRuntime, event: Event, record: ServiceRecord) -> ServiceRecord:
    """1. its model may be removed, 2. its Idempotency-Key is free again, 3. the row, and with it its replicas."""
    await asyncio.to_thread(release_use, state.store, record.model_name, record.name)
    await asyncio.to_thread(idempotency.free, state.store, record.command_id)
    check_writer(state.app, event)
    part = DeploymentsState.of(state)
    await part.services.delete(event.message.partition, services.key_of(record.name))
    part.running.settle()
    return record
