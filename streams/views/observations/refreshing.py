"""A job's series as its data set has them now: `POST /job/{job_id}/refresh/`."""

import asyncio

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from schemas.forecasting import RefreshJob
from streams.forecasting.state import known_job
from streams.views.observations.rows import TAG
from streams.views.web.answers import ShownJobId, json_response
from streams.views.web.commands import BareCommandId, is_repeat, send_command
from streams.views.web.door import Door
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State

__all__ = ["DOOR"]

router = APIRouter(route_class=JsonRoute)
DOOR = Door.of_job("refresh", router, TAG)


class RefreshReply(BaseModel):
    """A job after its series have grown."""

    job_id: ShownJobId
    status: int = Field(description="2 where series are trained, as refreshed elements of the job say; else as before.")
    series_count: int = Field(description="How many series it has now.")
    changed: list[int] = Field(
        description="The ts_ids whose history is another one than before, new series among them: to be trained, where "
        "nothing is."
    )
    errors: list[str] | None = Field(
        None, description="Why some of the refreshed elements could not be; absent where all could."
    )


@router.post(
    "/job/{job_id}/refresh/",
    summary="Let a job's series grow with its data set",
    response_model=RefreshReply,
    responses=PLAIN.responses(400, 404, 409, 429, 503),
)
async def refresh_job(state: State, job_id: JobId, command_id: BareCommandId) -> Response:
    """Series keep their ts_id and results; a series that is new gets the next one.

    Those that changed are trained as the job's elements with `refresh` say, whatever these wait for; without such
    elements nothing is trained, and a PATCH of `changed` does it. An element that cannot be trained holds up no other:
    `errors` says why. Refused with 409 while the job is trained. What is asked again under the same Idempotency-Key
    names all series.
    """
    job = known_job(state, job_id)
    changed = None
    if not is_repeat(command_id, job.commands):
        command = RefreshJob(command_id, job_id, job.project)
        changed = await send_command(state, state.topics.job_commands, job_id, command)
    job = known_job(state, job_id)
    ts_ids = list(job.ts_ids) if changed is None else changed
    answer = {"job_id": job_id, "status": int(job.status), "series_count": job.series_count, "changed": ts_ids}
    if errors := [one.problem for one in job.standing if one.problem]:
        answer["errors"] = errors
    return await asyncio.to_thread(json_response, answer)
