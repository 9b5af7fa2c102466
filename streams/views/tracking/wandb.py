"""What the stock `wandb` client calls where WANDB_BASE_URL is this service: GraphQL about runs, and their history."""

import asyncio
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from connectors.kafka.publisher import DeliveryError, Record
from connectors.metric_sources.wandb_rows import SOURCE, BadRowError, points_of_row, row_of
from schemas.coding.point_writer import PointBatch
from schemas.tracking import TrackedRun, TrackRun
from schemas.workloads import MetricPoint
from streams.access.visibility import own
from streams.errors import Code, UnavailableError
from streams.runtime import StateRuntime
from streams.tracking import runs
from streams.views.tracking.owners import TRACKING, at_owner, send
from streams.views.tracking.wandb_envelope import WANDB
from streams.views.web.answers import json_response
from streams.views.web.door import BodyLimit, Door, Tag
from streams.views.web.reading import ForgivingRoute, State
from streams.workloads.points import WrongPointError, check_point, publish

__all__ = ["DOOR"]

log = structlog.get_logger(__name__)

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=("/graphql", "/files"),
    tag=Tag("wandb", f"{TRACKING} The client finds these by WANDB_BASE_URL."),
    envelope=WANDB,
    slash=False,
    apart=True,
    body_limit=BodyLimit("max_tracked_bytes"),
    packed=True,
)


Owner = Annotated[str, Path(description="The entity that the client was told; it is not looked at.")]
Project = Annotated[str, Path(description="The run's project; it is not looked at.")]
Run = Annotated[str, Path(description="The run's id.")]

_ENTITY: Final = "tidecast"  # who all runs belong to: there are no users yet
_PROJECT: Final = "uncategorized"  # W&B's own name for the project of runs that name none
_ASKED: Final = re.compile(r"\b(viewer|upsertBucket|createRunFiles)\b")
_HISTORY: Final = "wandb-history.jsonl"
_ENDS: Final = {True: "finished", False: "failed"}


class GraphqlBody(BaseModel, extra="ignore"):
    """A question or a change, as the client writes it."""

    query: str = Field(description="Which of the three that are known is recognised by its name.")
    variables: dict[str, Any] | None = Field(None, description="What it is about.")


class StreamedFile(BaseModel, extra="ignore"):
    """Lines of one of a run's files; `offset` is the number of the first."""

    offset: int = Field(0, description="The number of the first line, from 0.")
    content: list[str] = Field(default_factory=list, description="The lines.")


class StreamBody(BaseModel, extra="ignore"):
    """What is new of a run's files, and at last how it ended."""

    files: dict[str, StreamedFile] | None = Field(None, description="Of them wandb-history.jsonl is kept, as points.")
    complete: bool | None = Field(None, description="Whether the run has ended.")
    exitcode: int | None = Field(None, description="How; 0: well.")


@router.post(
    "/graphql",
    summary="Begin a W&B run, or say more of it",
    response_model=dict[str, Any],
    responses=WANDB.responses(400, 503),
)
async def graphql(state: State, request: Request, body: GraphqlBody) -> Response:
    """Answers what the client needs to report a run; to everything else there is no data."""
    asked = _ASKED.search(body.query)
    variables = body.variables or {}
    if asked is None:
        return json_response({"data": {}})
    if asked[1] == "viewer":
        return json_response({"data": {"viewer": _viewer()}})
    if asked[1] == "createRunFiles":
        return json_response({"data": {"createRunFiles": _places(request, variables)}})
    command = _begun(variables)
    return await at_owner(state, request, command.workload_uid, lambda: _upserted(state, command))


@router.post(
    "/files/{entity}/{project}/{run}/file_stream",
    summary="Take rows of a W&B run's history",
    response_model=dict[str, Any],
    responses=WANDB.responses(400, 413, 503),
)
async def file_stream(state: State, body: StreamBody, entity: Owner, project: Project, run: Run) -> Response:
    """Answers when the broker has the points; rows that come again are the same points (M-054)."""
    del entity, project
    uid = own(runs.uid_of(run))
    history = (body.files or {}).get(_HISTORY)
    if history is not None and history.content:
        points, problems = await asyncio.to_thread(_points, uid, history.content)
        if problems:
            log.warning("rows_left_out", workload_uid=uid, count=len(problems), first=problems[0])
        await publish(state, points)
    if body.complete and body.exitcode is not None:
        await _append(state, _change(run, status=_ENDS[body.exitcode == 0]))
    return json_response({"limits": {}})


def _viewer() -> Mapping[str, Any]:
    return {
        "id": _ENTITY,
        "entity": _ENTITY,
        "username": _ENTITY,
        "name": _ENTITY,
        "email": "",
        "admin": False,
        "flags": "{}",
        "teams": {"edges": []},
    }


def _places(request: Request, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where files of a run may be sent, which are not kept."""
    base = str(request.base_url).rstrip("/")
    of = "/".join(_named(variables, name, default) for name, default in (("entity", _ENTITY), ("project", _PROJECT)))
    run = _named(variables, "run", "run")
    asked = variables.get("files")
    names = [name for name in asked if isinstance(name, str)] if isinstance(asked, list) else []
    files = [{"name": name, "uploadUrl": f"{base}/wandb-dropped/{of}/{run}/{n}"} for n, name in enumerate(names)]
    return {"runID": run, "uploadHeaders": [], "files": files}


def _named(variables: Mapping[str, Any], name: str, default: str) -> str:
    text = variables.get(name)
    return re.sub(r"[^\w.-]", "_", text, flags=re.ASCII) if isinstance(text, str) and text else default


def _begun(variables: Mapping[str, Any]) -> TrackRun:
    run_id = _text(variables, "name") or _text(variables, "id") or uuid.uuid4().hex[:8]
    project = _text(variables, "project") or _PROJECT
    tags = variables.get("tags")
    kept = {f"wandb.{name}": text for name in ("groupName", "jobType", "notes") if (text := _text(variables, name))}
    if isinstance(tags, list) and tags:
        kept["wandb.tags"] = ", ".join(tag for tag in tags if isinstance(tag, str))
    return _change(run_id, begin=True, experiment=project, name=_text(variables, "displayName"), tags=kept)


def _text(variables: Mapping[str, Any], name: str) -> str | None:
    text = variables.get(name)
    return text if isinstance(text, str) and text else None


def _change(run_id: str, *, begin: bool = False, **fields: Any) -> TrackRun:
    return TrackRun(str(uuid.uuid4()), own(runs.uid_of(run_id)), run_id, SOURCE, begin=begin, **fields)


async def _upserted(state: StateRuntime, command: TrackRun) -> Response:
    run: TrackedRun = await send(state, command)
    project = {"id": run.experiment, "name": run.experiment, "entity": {"id": _ENTITY, "name": _ENTITY}}
    bucket = {
        "id": run.run_id,
        "name": run.run_id,
        "displayName": run.name,
        "description": None,
        "config": "{}",
        "sweepName": None,
        "historyLineCount": 0,
        "project": project,
    }
    return json_response({"data": {"upsertBucket": {"bucket": bucket, "inserted": True}}})


def _points(uid: str, lines: Iterable[str]) -> tuple[PointBatch, list[str]]:
    """The points of rows, and why some are left out: a client that is refused would send them for ever."""
    points: list[MetricPoint] = []
    problems: list[str] = []
    for line in lines:
        try:
            row = points_of_row(row_of(line))
        except BadRowError as error:
            problems.append(str(error))
            continue
        for point in row:
            try:
                check_point(*point, SOURCE)
            except WrongPointError as error:
                problems.append(str(error))
            else:
                points.append(MetricPoint(uid, *point, SOURCE))
    return PointBatch.of(uid, points), problems


async def _append(state: StateRuntime, command: TrackRun) -> None:
    """Append a command that nobody waits for; the run's owner applies it."""
    record = Record(state.topics.tracking_commands, command.workload_uid.encode(), state.codec.encode(command))
    try:
        async with asyncio.timeout(state.settings.write_timeout_s):
            await state.publisher.send([record])
    except (TimeoutError, DeliveryError):
        raise UnavailableError(Code.NOT_CONFIRMED, "the broker did not confirm in time: send the same again") from None
