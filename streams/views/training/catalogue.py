"""What versions can run on and with: engines, specifications and algorithms (contract T-019)."""

from fastapi import APIRouter, Response

from models.catalog import CATALOG
from streams.training.algorithms import MODEL_IDS
from streams.training.resources import DEFAULT_ENGINE, SPEC_ID, engines, specification
from streams.views.training.asking import TAG, Project, State
from streams.views.training.envelope import TRAINING
from streams.views.web.answers import json_response
from streams.views.web.door import Door
from streams.views.web.reading import HeadRoute

__all__ = ["DOOR"]

router = APIRouter(route_class=HeadRoute)
DOOR = Door(
    router=router,
    prefixes=("/v1/{project_id}/job", "/v1/{project_id}/built-in-algorithms"),
    tag=TAG,
    envelope=TRAINING,
    slash=False,
)


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
async def list_algorithms(project_id: Project) -> Response:
    """As GET /model/ numbers them, each with its hyper-parameters."""
    del project_id
    models = [
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
    ]
    return json_response({"is_success": True, "model_total_count": len(models), "models": models})
