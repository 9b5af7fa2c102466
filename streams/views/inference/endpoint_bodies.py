"""Bodies of contract 001 for the API document: they are read and written elsewhere, for speed."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

__all__ = ["ANSWER", "REQUEST", "EndpointReply", "EndpointsReply", "ExecutionParametersReply"]

_INSTANCE: Final = {
    "type": "object",
    "required": ["start", "target"],
    "properties": {
        "start": {"type": "string", "description": "YYYY-MM-DD or YYYY-MM-DD HH:MM:SS.", "examples": ["2024-01-01"]},
        "target": {
            "type": "array",
            "items": {"anyOf": [{"type": "number"}, {"type": "string", "enum": ["NaN"]}, {"type": "null"}]},
            "description": 'The history, oldest first; "NaN" or null where a value is missing.',
        },
        "cat": {"type": "array", "items": {"type": "integer", "minimum": 0}, "description": "Iff trained with it."},
        "dynamic_feat": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "number"}},
            "description": "Iff trained with it; each row as long as target and prediction_length together.",
        },
    },
}
_EXAMPLE: Final = {"start": "2024-01-01", "target": [4.0, 10.0, "NaN", 12.0]}
_CONFIGURATION: Final = {
    "type": "object",
    "properties": {
        "num_samples": {"type": "integer", "minimum": 1, "default": 100},
        "output_types": {
            "type": "array",
            "minItems": 1,
            "items": {"enum": ["mean", "quantiles", "samples"]},
            "default": ["mean", "quantiles"],
        },
        "quantiles": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^0\.[0-9]{0,6}[1-9]$"},
            "default": ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"],
        },
        "seed": {"type": "integer", "minimum": 0, "description": "The same seed gives the same samples."},
    },
}

REQUEST: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["instances"],
                    "properties": {
                        "instances": {"type": "array", "minItems": 1, "items": _INSTANCE},
                        "configuration": _CONFIGURATION,
                    },
                },
                "example": {
                    "instances": [_EXAMPLE],
                    "configuration": {"num_samples": 100, "quantiles": ["0.1", "0.5", "0.9"]},
                },
            },
            "application/jsonlines": {
                "schema": {"type": "string", "description": "An instance on each line; the answer has its forecast."},
                "example": json.dumps(_EXAMPLE),
            },
        },
    }
}
"""What a route says of the body of an invocation."""


class Prediction(BaseModel):
    """The forecast of one instance; of the three, those that were asked for."""

    quantiles: dict[str, list[float]] | None = Field(None, description="By quantile as it was asked for.")
    samples: list[list[float]] | None = Field(None, description="num_samples paths of prediction_length steps.")
    mean: list[float] | None = None


class InvocationReply(BaseModel):
    """One prediction for each instance, in order."""

    predictions: list[Prediction]


ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": InvocationReply,
        "description": "The forecasts, in the content type of the request.",
        "content": {"application/jsonlines": {"schema": {"type": "string"}}},
    }
}
"""What a route says of the answer to an invocation."""


class EndpointReply(BaseModel):
    """A model that can be asked, and what its requests must look like."""

    name: str
    status: Literal["InService"]
    version: str
    project_id: str
    job_id: int
    time_freq: str
    prediction_length: int
    context_length: int
    cardinality: list[int] | None = Field(description="How many codes each category has; null: send no cat.")
    num_dynamic_feat: int = Field(description="How many rows dynamic_feat has; 0: send none.")
    likelihood: str
    num_cells: int
    num_layers: int
    created: int = Field(description="Milliseconds since 1970.")
    environment: Annotated[dict[str, str], Field(description="DEEPAR_INFERENCE_CONFIG: defaults for JSON Lines.")]


class EndpointsReply(BaseModel):
    """All endpoints by name."""

    endpoints: list[EndpointReply]


class ExecutionParametersReply(BaseModel):
    """What a container of SageMaker tells those who are going to send it batches."""

    MaxConcurrentTransforms: int = Field(description="Processes that compute: as many requests are answered at a time.")
    BatchStrategy: Literal["SINGLE_RECORD"] = Field(description="Each line of a batch is a request of its own.")
    MaxPayloadInMB: int = Field(description="The largest body.")
