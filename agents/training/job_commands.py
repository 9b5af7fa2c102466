"""Applies what is commanded of training jobs as wholes."""

import asyncio
from dataclasses import replace

from agents.training.dispatch import Dispatch
from agents.training.rows import Rows
from connectors.objects import endpoints
from connectors.objects.store import ObjectStore
from schemas.training import (
    CreateTrainingJob,
    DeleteTrainingJob,
    DeleteTrainingVersion,
    TrainDeepAR,
    UpdateTrainingJob,
)
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams import idempotency
from streams.access.names import scoped
from streams.codes.training import TrainingCode
from streams.errors import InvalidError
from streams.inference.state import InferenceProcesses
from streams.quotas.state import Quotas
from streams.repeats import check_repeat
from streams.training import jobs as training_jobs
from streams.training.limits import limits_of
from streams.training.versions import key_of_version

__all__ = ["check_endpoint", "create_job", "delete_job", "known_job", "update_job"]

Made = tuple[TrainingJobRecord, TrainingVersionRecord | None]


async def create_job(dispatch: Dispatch, rows: Rows, command: CreateTrainingJob | TrainDeepAR, at: int) -> Made:
    """1. check, 2. write version and job, 3. let a trainer find the version, where there is a place.

    A repeat goes on where the first time ended.
    """
    tables, settings = rows.tables, rows.state.settings
    job = tables.job(command.project_id, command.job_id)
    if job is not None and job.command_id == command.command_id:
        check_repeat(command, job.digest, f"training job {job.job_id}")
        await asyncio.gather(*_first_version_again(rows, command, job))
    elif job is not None:
        text = f"job_id: project {command.project_id} has a training job {command.job_id} already"
        raise InvalidError(TrainingCode.FAILED_OPERATION, text)
    else:
        name = command.config_name if isinstance(command, CreateTrainingJob) else ""
        stored = tables.stored_config(command.project_id, name)
        job, version = training_jobs.created(command, stored, limits_of(settings), at=at)
        most = Quotas.of(rows.state).most(command.project_id, "training_jobs")
        training_jobs.check_new(job, tables.jobs_of(command.project_id), most=most)
        if version is not None and tables.versions.has_id(command.project_id, version.version_id):
            raise training_jobs.version_id_taken(version.version_id)
        await check_endpoint(rows.state.store, job, training_jobs.project_of(command))
        await asyncio.gather(*_put(rows, job, version))
    await dispatch.fill(rows, command.project_id)
    made = tables.job(command.project_id, command.job_id) or job
    return made, tables.version(command.project_id, command.job_id, made.version_id)


def _put(rows: Rows, job: TrainingJobRecord, version: TrainingVersionRecord | None) -> "list[asyncio.Future[None]]":
    """In one turn, so that nobody sees a job without its version; the job last, which says that there is one."""
    rows.check()
    if version is None:
        return [rows.put_job(job)]
    key = key_of_version(version.project_id, version.job_id, version.version_id)
    return [rows.tables.versions.put(rows.partition, key, version), rows.put_job(job)]


def _first_version_again(
    rows: Rows, command: CreateTrainingJob | TrainDeepAR, job: TrainingJobRecord
) -> "list[asyncio.Future[None]]":
    """Killed between the two logs, the job may be there without the version that it speaks of."""
    if job.version_count == 0 or rows.tables.versions_of(job.project_id, job.job_id):
        return []
    name = command.config_name if isinstance(command, CreateTrainingJob) else ""
    stored = rows.tables.stored_config(command.project_id, name)
    _, version = training_jobs.created(command, stored, limits_of(rows.state.settings), at=job.create_time)
    return _put(rows, job, version)


async def check_endpoint(store: ObjectStore, job: TrainingJobRecord, project: str) -> None:
    """RejectedError where the endpoint's name is taken: while access control is off, all addresses share these."""
    if job.endpoint is None:
        return
    owner = await asyncio.to_thread(endpoints.owner, store, scoped(project, job.endpoint))
    if owner not in (None, job.project_id):
        text = "is the name of an endpoint of another project; all projects share these names: use another one"
        raise InvalidError(TrainingCode.NAME_TAKEN, f"Job name:{job.job_name} {text}")


def known_job(rows: Rows, project_id: str, job_id: int) -> TrainingJobRecord:
    """The job; RejectedError where there is none."""
    job = rows.tables.job(project_id, job_id)
    if job is None:
        raise training_jobs.unknown_job(project_id, job_id)
    return job


async def update_job(_: Dispatch, rows: Rows, command: UpdateTrainingJob, __: int) -> TrainingJobRecord:
    """Describe a job anew."""
    job = known_job(rows, command.project_id, command.job_id)
    check_repeat_of_creation(job, command)
    training_jobs.check_description(command.job_desc)
    if command.job_desc != job.job_desc:
        job = replace(job, job_desc=command.job_desc)
        await rows.put_job(job)
    return job


async def delete_job(dispatch: Dispatch, rows: Rows, command: DeleteTrainingJob, _: int) -> TrainingJobRecord:
    """1. tell the trainers, who end what runs and remove what they keep, 2. endpoint and keys, 3. versions, 4. the job.

    In this order, because without the row nobody would know what is left to do.
    """
    project_id, job_id, state = command.project_id, command.job_id, rows.state
    job = known_job(rows, project_id, job_id)
    check_repeat_of_creation(job, command)
    async with dispatch.turn(project_id):
        versions = rows.tables.versions_of(project_id, job_id)
        each = [
            DeleteTrainingVersion(f"{command.command_id}-{version.version_id}", project_id, job_id, version.version_id)
            for version in versions
        ]
        await dispatch.tell(*each, command)
        for name in {job.job_name, *(scoped(version.project, job.job_name) for version in versions)}:
            await asyncio.to_thread(endpoints.delete_of_job, state.store, project_id, job_id, name)
            InferenceProcesses.of(state).endpoints.forget(name)
        for command_id in {job.command_id, *(version.command_id for version in versions)}:
            await asyncio.to_thread(idempotency.free, state.store, command_id)
        rows.check()
        keys = [key_of_version(project_id, job_id, version.version_id) for version in versions]
        await asyncio.gather(*(rows.tables.versions.delete(rows.partition, key) for key in keys))
        rows.check()
        await rows.tables.jobs.delete(rows.partition, training_jobs.key_of(project_id, job_id))
    await dispatch.fill(rows, project_id)
    return job


def check_repeat_of_creation(made: TrainingJobRecord | TrainingVersionRecord, command: object) -> None:
    """RejectedError where another command comes under the id of the one that created this."""
    if getattr(command, "command_id", None) == made.command_id:
        check_repeat(command, made.digest, f"training job {made.job_id}")
