"""What versions can run on and with: engines, specifications and algorithms (contract T-019)."""

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from models.catalog import CATALOG
from streams.training.algorithms import MODEL_IDS
from streams.training.listing import page_of
from streams.training.resources import DEFAULT_ENGINE, SPEC_ID, engines, specification
from streams.views.training.asking import TAG, Project, own_router
from streams.views.training.envelope import TRAINING
from streams.views.web.answers import json_response
from streams.views.web.door import Door
from streams.views.web.reading import State

__all__ = ["DOOR"]

router = own_router()
DOOR = Door(
    apart=True,
    router=router,
    prefixes=("/v1/{project_id}/job", "/v1/{project_id}/built-in-algorithms"),
    tag=TAG,
    envelope=TRAINING,
    slash=False,
)


class AlgorithmListQuery(BaseModel):
    """Which algorithms a list shows."""

    per_page: int | None = Field(None, ge=1, le=1000, description="Algorithms on a page; all where it is absent.")
    page: int = Field(1, ge=1, le=65_535, description="The page, from 1.")
    order: Literal["asc", "desc"] = Field("asc", description="Ascending or descending by model_id.")
    search_content: str = Field("", max_length=64, description="A part of the name, in any case.")


@router.get("/v1/{project_id}/job/ai-engines", summary="List engines", responses=TRAINING.responses(400))
async def list_engines(project_id: Project) -> Response:
    """What runs boot files."""
    del project_id  # they are the same for all
    return json_response(
        {"is_success": True, "engine_total_count": len(engines()), "engines": list(engines().values())}
    )


@router.get("/v1/{project_id}/job/resource-specs", summary="List specifications", responses=TRAINING.responses(400))
async def list_specifications(state: State, project_id: Project) -> Response:
    """What a version has: this machine."""
    del project_id
    shown = {name: value for name, value in specification().items() if name != "gpu"}
    spec = {
        "spec_id": SPEC_ID,
        **shown,
        "max_num": state.settings.user_code_workers,
        "unit_num": 1,
        "storage": "",
        "interface_type": 1,
        "no_resource": False,
    }
    return json_response({"is_success": True, "spec_total_count": 1, "specs": [spec]})


@router.get("/v1/{project_id}/built-in-algorithms", summary="List algorithms", responses=TRAINING.responses(400))
async def list_algorithms(project_id: Project, asked: Annotated[AlgorithmListQuery, Query()]) -> Response:
    """As GET /model/ numbers them, each with its hyper-parameters."""
    del project_id
    wanted = asked.search_content.casefold()
    fitting = [
        {
            "model_id": MODEL_IDS[name],
            "model_name": name,
            "model_usage": 1,
            "model_dataset_format": "JSON Lines or CSV" if name == "DeepAR" else "CSV",
            "model_description_url": f"/model/{name}/",
            "model_intro": spec.intro,
            **engines()[DEFAULT_ENGINE],
            "parameter": [
                {"label": one.name, "value": "" if one.default is None else str(one.default), "required": False}
                for one in spec.hyper_parameters
            ],
        }
        for name, spec in CATALOG.items()
        if wanted in name.casefold()
    ]
    if asked.order == "desc":
        fitting.reverse()
    shown = fitting if asked.per_page is None else page_of(fitting, asked.page, asked.per_page)
    return json_response({"is_success": True, "model_total_count": len(fitting), "models": shown})
