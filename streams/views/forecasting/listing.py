"""The list of forecasting jobs: those that are asked for, in order, a page of them."""

from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

from schemas.forecasting import CmdStatus, JobRecord
from streams.access.visibility import visible
from streams.checks import ID_LIMIT
from streams.forecasting.state import ForecastingState
from streams.views.forecasting.summaries import detailed, summary
from streams.views.web.answers import json_response
from streams.views.web.forwarding import from_others
from streams.views.web.reading import State

__all__ = ["list_jobs"]

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are asked for."""

    status: Annotated[
        list[CmdStatus] | None, Query(description="Only jobs with one of these statuses; may be repeated.")
    ] = None
    data_id: Annotated[int | None, Query(ge=1, le=ID_LIMIT, description="Only jobs on this data set.")] = None
    name: Annotated[
        str | None, Query(max_length=32, description="Only jobs whose name has this in it, in whatever case.")
    ] = None

    def has(self, job: JobRecord) -> bool:
        """Whether the job is one of them."""
        return (
            (not self.status or job.status in self.status)
            and self.data_id in (None, job.data_id)
            and (self.name or "").lower() in (job.name or "").lower()
        )

    def as_query(self, **more: int) -> str:
        """To ask another worker for the same."""
        given = {"data_id": self.data_id, "name": self.name, **more}
        pairs = [(key, value) for key, value in given.items() if value is not None]
        return urlencode(pairs + [("status", int(one)) for one in self.status or ()])


async def list_jobs(
    state: State,
    request: Request,
    wanted: Annotated[Wanted, Depends()],
    details: Annotated[int, Query(ge=0, le=1, description="1 tells how far each is, too.")] = 0,
    order: Annotated[Literal["asc", "desc"], Query(description="asc: oldest first; desc: newest first.")] = "asc",
    offset: Annotated[int, Query(ge=0, le=ID_LIMIT, description="How many jobs to leave out.")] = 0,
    limit: Annotated[int | None, Query(ge=1, le=_MOST, description="How many to tell of at most; absent: all.")] = None,
) -> Response:
    """The jobs, oldest first. Where a page of them is asked for, `total` tells how many there are on all pages."""
    own = ForecastingState.of(state)
    shown = partial(detailed, own.results.progress) if details else summary
    jobs = (job for job in map(own.jobs.get, own.jobs.ids()) if job is not None)
    listed = [shown(job) for job in jobs if visible(job) and wanted.has(job)]
    listed += await from_others(state, request, "jobs", query=wanted.as_query(details=details))
    listed.sort(key=itemgetter("job_id"), reverse=order == "desc")
    if limit is None and not offset:
        return json_response({"jobs": listed})
    end = None if limit is None else offset + limit
    return json_response({"jobs": listed[offset:end], "total": len(listed)})
