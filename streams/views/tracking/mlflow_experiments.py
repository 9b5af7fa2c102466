"""What stock MLflow clients ask of experiments where their tracking URI is this service."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from schemas.tracking import CreateExperiment, ExperimentRecord
from streams.access.visibility import is_own, own
from streams.runtime import StateRuntime
from streams.tracking import experiments
from streams.tracking.state import TrackingState
from streams.views.tracking.mlflow_bodies import ExperimentBody, SearchExperimentsBody, experiment_shown, texts_of
from streams.views.tracking.mlflow_envelope import CHANGES, MLFLOW, READS, TAG, check_search
from streams.views.tracking.owners import at_owner, check_ready, send
from streams.views.web.answers import json_response
from streams.views.web.door import Door
from streams.views.web.forwarding import from_others
from streams.views.web.reading import ForgivingRoute, State

__all__ = ["DOOR"]

router = APIRouter(prefix="/api/2.0/mlflow/experiments", route_class=ForgivingRoute)
DOOR = Door(router=router, tag=TAG, envelope=MLFLOW, slash=False, apart=True, packed=True, asks=("search",))

Id = Annotated[str, Query(description="The experiment's id.")]
Name = Annotated[str, Query(description="The experiment's name.")]


@router.post("/create", summary="Create an MLflow experiment", **CHANGES)
async def create_experiment(state: State, request: Request, body: ExperimentBody) -> Response:
    """Its id follows from its name."""
    experiment_id = experiments.id_of(body.name)
    kept = own(experiment_id)

    async def create() -> Response:
        await send(state, CreateExperiment(str(uuid.uuid4()), kept, body.name, texts_of(body.tags)))
        return json_response({"experiment_id": experiment_id})

    return await at_owner(state, request, kept, create)


@router.get("/get", summary="Get an MLflow experiment", **READS)
async def get_experiment(state: State, request: Request, experiment_id: Id) -> Response:
    """By its id; 0 is the one that is always there."""

    async def show() -> Response:
        return json_response({"experiment": experiment_shown(_experiment(state, experiment_id, experiment_id))})

    return await at_owner(state, request, own(experiment_id), show)


@router.get("/get-by-name", summary="Find an MLflow experiment", **READS)
async def find_experiment(state: State, request: Request, experiment_name: Name) -> Response:
    """By its name."""
    experiment_id = experiments.id_of(experiment_name)

    async def show() -> Response:
        return json_response({"experiment": experiment_shown(_experiment(state, experiment_id, experiment_name))})

    return await at_owner(state, request, own(experiment_id), show)


@router.get("/search", summary="List MLflow experiments", **READS)
async def list_experiments(state: State, request: Request) -> Response:
    """All of them, the newest first."""
    return json_response({"experiments": await _all_experiments(state, request)})


@router.post("/search", summary="Search MLflow experiments", **READS)
async def search_experiments(state: State, request: Request, body: SearchExperimentsBody) -> Response:
    """The newest ones; filters and pages are not known."""
    check_search(body.filter, body.page_token)
    found = await _all_experiments(state, request)
    return json_response({"experiments": found[: body.max_results]})


def _experiment(state: StateRuntime, experiment_id: str, called: str) -> ExperimentRecord:
    if experiment_id == experiments.DEFAULT.experiment_id:
        return experiments.DEFAULT
    found = TrackingState.of(state).experiments.get(experiments.key_of(own(experiment_id)))
    if found is None:
        raise experiments.unknown_experiment(called)
    return found


async def _all_experiments(state: StateRuntime, request: Request) -> list[dict[str, Any]]:
    check_ready(state)
    table = TrackingState.of(state).experiments
    rows = (table.get(key) for key in table.keys())  # noqa: SIM118  # a table is no dictionary
    here = (row for row in rows if row is not None and is_own(row.experiment_id))
    shown = [experiment_shown(one) for one in (experiments.DEFAULT, *here)]
    shown += await from_others(state, request, "experiments")
    by_id = {one["experiment_id"]: one for one in shown}  # each worker names the one that is always there
    return sorted(by_id.values(), key=lambda it: (-it["creation_time"], it["experiment_id"]))
