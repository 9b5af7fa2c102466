"""Visualization jobs: `/v1/{project_id}/visualization-jobs`, and the pages that they show (contract 002, section 6)."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from schemas.training import (
    CreateVisualizationJob,
    DeleteVisualizationJob,
    RestartVisualizationJob,
    StopVisualizationJob,
    UpdateVisualizationJob,
)
from schemas.training_rows import VisualizationJobRecord
from streams.quotas.state import Quotas
from streams.training import visualizations as training_visualizations
from streams.training.jobs import check_description
from streams.training.listing import duration_of, page_of
from streams.training.state import TrainingJobsState
from streams.training.states import TrainingState
from streams.views.training.asking import TAG, Project, carried_out, now_ms, own_router, project_of, send
from streams.views.training.bodies import DescriptionBody, parted_numbers
from streams.views.training.curves import GoneError, curves_page
from streams.views.training.envelope import TRAINING, done
from streams.views.training.visualization_bodies import VisualizationBody, VisualizationListQuery
from streams.views.web.answers import json_response
from streams.views.web.commands import BareCommandId, CommandId
from streams.views.web.creations import create_once
from streams.views.web.door import Door
from streams.views.web.reading import JobId, State, address, json_by_default

__all__ = ["DOOR"]

router = own_router("/v1/{project_id}/visualization-jobs")
DOOR = Door(router=router, apart=True, tag=TAG, envelope=TRAINING, owner=project_of, slash=False)


@router.post(
    "",
    summary="Create a visualization job",
    responses=TRAINING.responses(400, 408, 409, 413, 415, 503, 507),
    dependencies=[Depends(json_by_default)],
)
async def create_visualization(
    state: State, request: Request, project_id: Project, body: VisualizationBody, command_id: CommandId
) -> Response:
    """The metrics of the versions that write to train_url, as a page."""

    async def create(job_id: int) -> Response:
        command = CreateVisualizationJob(
            command_id=command_id,
            project_id=project_id,
            job_id=job_id,
            job_name=body.job_name,
            train_url=body.train_url,
            job_desc=body.job_desc,
            job_type=body.job_type,
            flavor_code=body.flavor.code if body.flavor else "",
            schedule_hours=body.schedule.duration if body.schedule else 0,
        )
        training_visualizations.created(command, at=0)  # refused here, it need not take the way through the log
        made = await send(state, project_id, command)
        answer = {
            "is_success": True,
            "job_id": made.job_id,
            "job_name": made.job_name,
            "status": int(TrainingState.INITIALISING),
            "create_time": made.create_time,
            "service_url": _url(request, made),
        }
        return json_response(answer)

    return await create_once(state, request, command_id, create, owned_by_id=False)


@router.get("", summary="List visualization jobs", responses=TRAINING.responses(400, 503))
async def list_visualizations(
    state: State, request: Request, project_id: Project, asked: Annotated[VisualizationListQuery, Query()]
) -> Response:
    """One page of them."""
    known, now = TrainingJobsState.of(state).visualizations_of(project_id), now_ms()
    statuses, wanted = parted_numbers(asked.status), asked.search_content.casefold()
    fitting = [_summary(request, one, now) for one in known if wanted in one.job_name.casefold()]
    fitting = [one for one in fitting if statuses is None or one["status"] in statuses]
    fitting.sort(key=lambda one: one["job_id"])
    by = asked.sort_key or asked.sort_by or "job_name"
    fitting.sort(key=lambda one: one[by], reverse=asked.order == "desc")
    return json_response(
        {
            "is_success": True,
            "job_total_count": len(fitting),
            "job_count_limit": max(0, Quotas.of(state).most(project_id, "training_jobs") - len(known)),
            "jobs": page_of(fitting, asked.page, asked.per_page),
        }
    )


@router.get("/{job_id}", summary="Describe a visualization job", responses=TRAINING.responses(400, 404, 503))
async def get_visualization(state: State, request: Request, project_id: Project, job_id: JobId) -> Response:
    """As it was asked for, and how long it is shown still."""
    return json_response({"is_success": True, **_summary(request, _known(state, project_id, job_id), now_ms())})


@router.put(
    "/{job_id}",
    summary="Describe a visualization job anew",
    **done(400, 404, 408, 413, 415, 503),
    dependencies=[Depends(json_by_default)],
)
async def update_visualization(
    state: State, project_id: Project, job_id: JobId, body: DescriptionBody, command_id: CommandId
) -> Response:
    """The description alone can be changed."""
    _known(state, project_id, job_id)
    check_description(body.job_desc)
    return await carried_out(state, project_id, UpdateVisualizationJob(command_id, project_id, job_id, body.job_desc))


@router.post("/{job_id}/stop", summary="Stop a visualization job", **done(400, 404, 408, 503))
async def stop_visualization(state: State, project_id: Project, job_id: JobId, command_id: BareCommandId) -> Response:
    """Its page is shown no more."""
    training_visualizations.check_stop(_known(state, project_id, job_id), now_ms())
    return await carried_out(state, project_id, StopVisualizationJob(command_id, project_id, job_id))


@router.post("/{job_id}/restart", summary="Start a visualization job again", **done(400, 404, 408, 503))
async def restart_visualization(
    state: State, project_id: Project, job_id: JobId, command_id: BareCommandId
) -> Response:
    """For as long as it was made for."""
    training_visualizations.check_restart(_known(state, project_id, job_id), now_ms())
    return await carried_out(state, project_id, RestartVisualizationJob(command_id, project_id, job_id))


@router.delete("/{job_id}", summary="Delete a visualization job", **done(400, 404, 503))
async def delete_visualization(state: State, project_id: Project, job_id: JobId, command_id: BareCommandId) -> Response:
    """The metrics stay."""
    _known(state, project_id, job_id)
    return await carried_out(state, project_id, DeleteVisualizationJob(command_id, project_id, job_id))


@router.get("/{job_id}/page", summary="Look at the curves", responses=TRAINING.responses(400, 404, 410, 503))
async def show_curves(state: State, request: Request, project_id: Project, job_id: JobId) -> Response:
    """The metrics of the versions that write to its train_url: a page, or JSON where that is asked for."""
    record = _known(state, project_id, job_id)
    if training_visualizations.shown_status(record, now_ms()) != TrainingState.RUNNING:
        raise GoneError(record.job_id)
    versions = TrainingJobsState.of(state).all_versions_of(project_id)
    writers = training_visualizations.writers_of(record.train_url, versions)
    return curves_page(record, writers, as_json="application/json" in request.headers.get("accept", ""))


def _known(state: State, project_id: str, job_id: int) -> VisualizationJobRecord:
    record = TrainingJobsState.of(state).visualization(project_id, job_id)
    if record is None:
        raise training_visualizations.unknown_visualization(project_id, job_id)
    return record


def _url(request: Request, record: VisualizationJobRecord) -> str:
    """Where its page is, as whoever asks reaches this service."""
    return address(request, f"/v1/{record.project_id}/visualization-jobs/{record.job_id}/page")


def _summary(request: Request, record: VisualizationJobRecord, now: int) -> dict[str, Any]:
    status, over = training_visualizations.shown_status(record, now), training_visualizations.is_over(record, now)
    left = max(0, record.until - now) if record.until is not None and status == TrainingState.RUNNING else None
    shown = {
        "job_id": record.job_id,
        "job_name": record.job_name,
        "job_desc": record.job_desc,
        "job_type": record.job_type,
        "train_url": record.train_url,
        "status": status,
        "create_time": record.create_time,
        "duration": duration_of(status, record.start_time, record.until if over else record.changed, now),
        "remaining_duration": left,
        "service_url": _url(request, record),
        "resource_id": "",
        "flavor": {"code": record.flavor_code} if record.flavor_code else None,
        "schedule": {"type": "stop", "time_unit": "HOURS", "duration": record.schedule_hours}
        if record.schedule_hours
        else None,
    }
    return {name: value for name, value in shown.items() if value is not None}
