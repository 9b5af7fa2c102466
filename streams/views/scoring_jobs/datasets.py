"""Data sets by name: `/dataset-info` and `/operate-dataset` (contract S-080, S-083 … S-085), and their files."""

import asyncio
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from connectors.datasets import manifests as datasets
from connectors.kafka.publisher import Record
from connectors.objects.keys import BadKeyError
from connectors.objects.store import ObjectStore
from schemas.datasets import DeleteDataset
from streams.access.caller import caller
from streams.access.visibility import visible
from streams.checks import invalid_field
from streams.codes.scoring_jobs import ScoringJobsCode
from streams.errors import NotFoundError
from streams.rows.ownership import owner_elsewhere
from streams.views.scoring.reading import Fields, body_of, fields_of, made_at, text
from streams.views.scoring_jobs.add_dataset import DATASETS
from streams.views.web.answers import json_response
from streams.views.web.commands import IdempotencyKey, command_id_of, send_command
from streams.views.web.door import Door
from streams.views.web.files import file_response
from streams.views.web.forwarding import passed_on
from streams.views.web.model_service import MODEL_SERVICE
from streams.views.web.reading import ForgivingRoute, State, address

__all__ = ["DOOR"]

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=(
        "/dataset-info",
        "/operate-dataset",
        "/api/v1/dataset-info",
        "/api/v1/operate-dataset",
        "/api/v1/datasets",
    ),
    tag=DATASETS,
    envelope=MODEL_SERVICE,
    slash=False,
    apart=True,
)

_OPERATIONS: Final = ("delete", "download")
_BODY: Final[dict[str, Any]] = {
    "dataset": {"type": "string", "description": "Its name."},
    "operation": {"type": "string", "enum": list(_OPERATIONS), "description": "Also as operationType."},
}


class NamedDataset(BaseModel):
    """One data set."""

    name: str
    type: str = Field(description="The suffix of its name.")
    size: int = Field(description="In bytes.")
    source: Literal["local", "remote"]
    created: str = Field(alias="createTime", description="ISO-8601 with offset.")
    create_time: str = Field(description="The same.")


class DatasetListData(BaseModel):
    datasets: list[NamedDataset] = Field(alias="datasetList")


class DatasetListReply(BaseModel):
    """All data sets, the newest first."""

    data: DatasetListData


class OperatedDatasetData(BaseModel):
    status: Literal[True]
    url: str | None = Field(None, description="Where a download can be had.")


class OperateDatasetReply(BaseModel):
    """It has been done."""

    data: OperatedDatasetData


@router.get("/api/v1/dataset-info", include_in_schema=False, name="list_named_datasets_v1")
@router.get("/dataset-info", summary="List the data sets by name", response_model=DatasetListReply)
async def list_named_datasets(state: State) -> Response:
    """All data sets, the newest first; those of /data/ among them, by the last part of their `upload`."""
    found = await asyncio.to_thread(datasets.list_all, state.store)
    own = [dataset for dataset in reversed(found) if visible(dataset)]
    by_name = {dataset.file: _shown(dataset) for dataset in own}  # of equal content the first
    listed = sorted(by_name.values(), key=made_at, reverse=True)
    return json_response({"data": {"datasetList": listed}})


@router.post("/api/v1/operate-dataset", include_in_schema=False, name="operate_dataset_v1")
@router.post(
    "/operate-dataset",
    summary="Delete or download a data set",
    response_model=OperateDatasetReply,
    responses=MODEL_SERVICE.responses(400, 404, 408, 413, 415, 503),
    openapi_extra=body_of(_BODY, ("dataset", "operation")),
)
async def operate_dataset(
    state: State, request: Request, fields: Annotated[Fields, Depends(fields_of)], key: IdempotencyKey = None
) -> Response:
    """`download` answers with the address of the file; `delete` when the data set is gone."""
    name, operation = text(fields, "dataset"), text(fields, "operation", "operationType")
    if operation not in _OPERATIONS:
        raise invalid_field("operation", f"found {operation[:40]!r}, expected {' or '.join(_OPERATIONS)}")
    dataset = await asyncio.to_thread(_named, state.store, name)
    if operation == "download":
        url = address(request, f"/api/v1/datasets/{dataset.file}")
        return json_response({"data": {"status": True, "url": url}})
    elsewhere = await passed_on(state, request, b"%d" % dataset.data_id)
    if elsewhere is not None:
        return elsewhere
    # Those of equal content share a name: who deletes it does not expect to find it again.
    for data_id in await asyncio.to_thread(_of_name, state.store, dataset.file):
        own, project = b"%d" % data_id, caller().project
        command = DeleteDataset(command_id_of(request, key, own), data_id, project)
        if owner_elsewhere(state.app, own) is None:
            await send_command(state, state.topics.dataset_commands, data_id, command)
        else:  # it will be gone in a moment
            await state.publisher.send([Record(state.topics.dataset_commands, own, state.codec.encode(command))])
    return json_response({"data": {"status": True}})


@router.get(
    "/api/v1/datasets/{name}",
    summary="The file of a data set",
    response_class=Response,
    responses=MODEL_SERVICE.responses(404)
    | {200: {"description": "The file.", "content": {"application/octet-stream": {"schema": {"type": "string"}}}}},
)
async def get_named_dataset(state: State, name: Annotated[str, Path(description="The data set.")]) -> Response:
    """The file's bytes, as they were sent."""
    dataset = await asyncio.to_thread(_named, state.store, name)
    kind = "text/csv" if dataset.file.endswith(".csv") else None
    response = await file_response(state.store, dataset.path, kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{dataset.file}"'
    return response


def _named(store: ObjectStore, name: str) -> datasets.Dataset:
    try:
        found = datasets.of_upload(store, name, caller().project)
    except BadKeyError:
        found = None
    if found is None:
        text = f"dataset: there is no data set {name[:80]!r}; GET /dataset-info lists those there are"
        raise NotFoundError(ScoringJobsCode.UNKNOWN_DATASET, text)
    return found


def _of_name(store: ObjectStore, name: str) -> list[int]:
    return [dataset.data_id for dataset in datasets.list_all(store) if dataset.file == name and visible(dataset)]


def _shown(dataset: datasets.Dataset) -> dict[str, Any]:
    return {
        "name": dataset.file,
        "type": dataset.file.lower().rpartition(".")[2] if "." in dataset.file else dataset.kind,
        "size": dataset.bytes,
        "source": dataset.source,
        "createTime": dataset.time_created,
        "create_time": dataset.time_created,
    }
