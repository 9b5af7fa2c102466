"""Applies what is commanded of versions of training jobs."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from agents.training.dispatch import Dispatch
from agents.training.job_commands import check_endpoint, check_repeat_of_creation, known_job
from agents.training.rows import Rows
from connectors.objects import endpoints
from connectors.objects.endpoints import UnknownEndpointError
from connectors.objects.store import ObjectStore
from schemas.training import CreateTrainingVersion, DeleteTrainingVersion, StopTrainingJob
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams import idempotency
from streams.access.names import scoped
from streams.inference.state import InferenceProcesses
from streams.repeats import check_repeat
from streams.training import jobs as training_jobs
from streams.training import versions as training_versions
from streams.training.limits import limits_of
from streams.training.states import TrainingState
from streams.training.versions import key_of_version

__all__ = ["create_version", "delete_version", "stop_version"]


async def create_version(
    dispatch: Dispatch, rows: Rows, command: CreateTrainingVersion, at: int
) -> tuple[TrainingJobRecord, TrainingVersionRecord | None]:
    """1. check, 2. write version and job, 3. let a trainer find it, where there is a place.

    A repeat goes on where the first time ended.
    """
    tables, settings = rows.tables, rows.state.settings
    project_id, job_id = command.project_id, command.job_id
    job = known_job(rows, project_id, job_id)
    check_repeat_of_creation(job, command)
    known = tables.version(project_id, job_id, command.version_id)
    if known is not None and known.command_id == command.command_id:
        check_repeat(command, known.digest, f"version {known.version_id} of training job {job_id}")
        await asyncio.gather(*rows.refresh(project_id, job_id))
    else:
        if tables.versions.has_id(project_id, command.version_id):
            raise training_jobs.version_id_taken(command.version_id)
        job, version = training_jobs.new_version(
            command,
            job,
            tables.versions_of(project_id, job_id),
            tables.stored_config(project_id, command.config_name),
            limits_of(settings),
            at=at,
            most=settings.max_training_versions,
        )
        training_jobs.check_name_free(job, tables.jobs_of(project_id))
        await check_endpoint(rows.state.store, job, command.project)
        rows.check()
        key = key_of_version(project_id, job_id, version.version_id)
        await asyncio.gather(tables.versions.put(rows.partition, key, version), rows.put_job(job))
    await dispatch.fill(rows, project_id)
    return tables.job(project_id, job_id) or job, tables.version(project_id, job_id, command.version_id)


async def stop_version(dispatch: Dispatch, rows: Rows, command: StopTrainingJob, at: int) -> TrainingVersionRecord:
    """1. write that the version stops, 2. tell the trainer, who says when it has. Said twice, it does no harm.

    One that no trainer has been given is at its end at once.
    """
    async with dispatch.turn(command.project_id):
        version = _known(rows, command)
        training_versions.check_stop(version)
        if not version.given:
            version = training_versions.cancelled(version, at)
            await rows.put_version(version)
            return version
        if version.status != TrainingState.STOPPING:
            version = training_versions.stopping(version)
            await rows.put_version(version)
        await dispatch.tell(replace(command, project=version.project))
        return version


async def delete_version(
    dispatch: Dispatch, rows: Rows, command: DeleteTrainingVersion, _: int
) -> TrainingVersionRecord:
    """1. tell the trainer, who ends what runs and removes what it keeps, 2. endpoint and key, 3. the row."""
    state = rows.state
    async with dispatch.turn(command.project_id):
        version = _known(rows, command)
        await dispatch.tell(command)
        if await asyncio.to_thread(_delete_endpoint, state.store, version):
            InferenceProcesses.of(state).endpoints.forget(_endpoint_of(version))
        await asyncio.to_thread(idempotency.free, state.store, version.command_id)
        await rows.delete_version(version)
    await dispatch.fill(rows, command.project_id)
    return version


def _known(rows: Rows, command: StopTrainingJob | DeleteTrainingVersion) -> TrainingVersionRecord:
    job = known_job(rows, command.project_id, command.job_id)
    check_repeat_of_creation(job, command)
    version = rows.tables.version(command.project_id, command.job_id, command.version_id)
    if version is None:
        raise training_versions.unknown_version(command.job_id, command.version_id)
    check_repeat_of_creation(version, command)
    return version


def _delete_endpoint(store: ObjectStore, version: TrainingVersionRecord) -> bool:
    """Remove the endpoint that serves the version, if there is one; another version of the job may serve by now."""
    with suppress(UnknownEndpointError):
        served = endpoints.load(store, _endpoint_of(version))
        if (served.project_id, served.job_id, served.version) == (
            version.project_id,
            version.job_id,
            version.version_name,
        ):
            endpoints.delete_of_job(store, version.project_id, version.job_id, served.name)
            return True
    return False


def _endpoint_of(version: TrainingVersionRecord) -> str:
    return scoped(version.project, version.job_name)
