"""Which workloads there are, with what is known of their producers (M-010 … M-012)."""

from collections.abc import Collection, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request, Response

from connectors.point_store.reading import PointReader
from streams.access.caller import caller
from streams.access.names import project_of, shown
from streams.access.visibility import visible
from streams.forecasting.state import ForecastingState
from streams.runtime import StateRuntime
from streams.views.web.admission.hops import came_by_hop
from streams.views.web.forwarding import from_others
from streams.views.web.reading import ForgivingRoute, State
from streams.views.workloads.answering import in_thread
from streams.views.workloads.envelope import METRICS
from streams.views.workloads.known import Known, known_workloads, shown_workload
from streams.views.workloads.replies import WorkloadsReply
from streams.workloads.groups import groups_of
from streams.workloads.producers import Kind, Origin, origin_of
from streams.workloads.state import WorkloadsState

__all__ = ["router"]

_MOST: Final = 100_000  # workloads of an answer: each forecast of a series is one
_ROWS: Final = "with_rows"  # what a worker tells another one, not a client

router = APIRouter(prefix="/api/v1/workloads", route_class=ForgivingRoute)


@router.get("", summary="List the workloads", response_model=WorkloadsReply, responses=METRICS.responses(400, 503))
async def list_workloads(
    state: State,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="Only so many, the newest.")] = _MOST,
) -> Response:
    """All that there are, the newest first; `total_count` counts those that are left out, too.

    Versions of training jobs and runs are among them from their beginning on, others from their first point on.
    """
    keeper = WorkloadsState.of(state).keeper
    reader, known = keeper.reader(), known_workloads(state)
    own = await in_thread(lambda: _listed(state, reader, keeper.current, known, limit))
    if came_by_hop(request.scope):
        answer = own
    else:
        others = await from_others(state, request, query=f"limit={limit}")
        answer = await in_thread(lambda: _together([own, *others], limit))
    return Response(await in_thread(lambda: orjson.dumps(answer)), media_type="application/json")


def _listed(
    state: StateRuntime, reader: PointReader, partitions: Collection[int], known: Sequence[Known], limit: int
) -> dict[str, Any]:
    """The newest so many that this worker has rows or points of, and how many there are.

    Those that rows may tell of are named, as another worker may have the points of a row, or the row of points. Of the
    others no more is looked at than is shown.
    """
    states, groups = WorkloadsState.of(state).producers, groups_of(caller().project)
    rows = {item["workload_uid"]: item for item in map(shown_workload, known)}
    named = dict(reader.newest_workloads(groups.with_rows, partitions))
    newest = islice(reader.newest_workloads(groups.others, partitions), limit)
    found = list(rows.values())
    for kept, created in chain(islice(named.items(), limit + len(rows)), newest):
        uid = shown(kept)
        if uid not in rows:
            origin = origin_of(uid)
            found.append(
                {
                    "workload_uid": uid,
                    "name": _name(state, origin) or uid,
                    "kind": origin.kind,
                    "status": states.status(origin, project_of(kept)),
                    "create_time": created,
                }
            )
    with_rows = rows.keys() | set(map(shown, named))
    count = reader.count_workloads(groups.others, partitions) + len(with_rows)
    return {"workloads": _newest(found, limit), "total_count": count, _ROWS: list(with_rows)}


def _together(answers: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """What all workers know, each workload once: as the row tells, where one worker has that, another its points."""
    by_uid: dict[str, dict[str, Any]] = {}
    named: set[str] = set()
    count = 0
    for answer in answers:
        named.update(answer[_ROWS])
        count += answer["total_count"] - len(answer[_ROWS])
        for item in answer["workloads"]:
            uid = item["workload_uid"]
            if uid not in by_uid or by_uid[uid]["name"] == uid:
                by_uid[uid] = item
    return {"workloads": _newest(by_uid.values(), limit), "total_count": count + len(named)}


def _newest(items: Collection[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    return sorted(items, key=itemgetter("create_time"), reverse=True)[:limit]


def _name(state: StateRuntime, origin: Origin) -> str | None:
    """In words for people, where a row of ours has some; the uid's own otherwise."""
    if origin.kind is Kind.FORECAST:
        job = _forecasting_job(state, int(origin.job))
        words = "together" if origin.part == "together" else f"series {origin.part}"
        return f"{job or f'forecasting job {origin.job}'}, {words}, submission {origin.number}"
    return None


def _forecasting_job(state: StateRuntime, job_id: int) -> str | None:
    if ForecastingState not in state.parts:
        return None
    record = ForecastingState.of(state).jobs.get(job_id)
    return record.name if record is not None and visible(record) else None
