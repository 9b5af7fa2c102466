"""The models that a job can ask for: `/model/…` of contract 000 (J-045)."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from models.catalog import CATALOG
from streams.codes.forecasting import ForecastingCode
from streams.errors import NotFoundError
from streams.views.forecasting.replies import ModelReply, ModelsReply
from streams.views.web.answers import json_response
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JsonRoute

__all__ = ["DOOR"]

router = APIRouter(prefix="/model", route_class=JsonRoute)
DOOR = Door(router=router, apart=True, tag=Tag("models", "What a job can ask for."), slash=True)


@router.get("/", summary="List the models", response_model=ModelsReply)
async def list_models() -> Response:
    """Their names, and an id for each."""
    return json_response(
        {
            "data": list(CATALOG),
            "models": [
                {"model_id": number, "model_name": spec.name, "intro": spec.intro}
                for number, spec in enumerate(CATALOG.values(), 1)
            ],
        }
    )


@router.get(
    "/{model_name}/", summary="Hyper-parameters of a model", response_model=ModelReply, responses=PLAIN.responses(404)
)
async def get_model(model_name: Annotated[str, Path(description="A model of the list.")]) -> Response:
    """Each with its type, default and range."""
    spec = CATALOG.get(model_name)
    if spec is None:
        raise NotFoundError(
            ForecastingCode.UNKNOWN_MODEL, f"there is no model {model_name[:80]!r}; known are {', '.join(CATALOG)}"
        )
    return json_response(
        {
            "data": [
                {
                    "label": parameter.name,
                    "intro": parameter.intro,
                    "type": parameter.type,
                    "val": parameter.default,
                    "low": parameter.low,
                    "high": parameter.high,
                    "choice": list(parameter.choice),
                }
                for parameter in spec.hyper_parameters
            ]
        }
    )
