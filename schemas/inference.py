"""What is said of inference and of transform jobs (contract 001), and the row that is kept of each of these.

Times are epoch milliseconds.
"""

from collections.abc import Mapping, Sequence

from schemas.values import record

__all__ = ["TYPES", "InferenceRequest", "InferenceResult", "StartTransform", "StopTransform", "TransformRecord"]


@record()
class InferenceRequest:
    """Forecast one time series with the model of an endpoint; fields and defaults as in contract D-010 … D-018.

    `transform` and `line` are set for a line of a transform job. With `ts_id` the forecast also goes to the topic of
    forecasts under that key.
    """

    request_id: str
    endpoint: str
    start: str
    target: Sequence[float | None]
    cat: Sequence[int] | None = None
    dynamic_feat: Sequence[Sequence[float]] | None = None
    num_samples: int | None = None
    output_types: Sequence[str] | None = None
    quantiles: Sequence[str] | None = None
    seed: int | None = None
    transform: str | None = None
    line: int = 0
    ts_id: int | None = None


@record()
class InferenceResult:
    """The forecast of an InferenceRequest, or in `error` why there is none."""

    request_id: str
    endpoint: str
    timestamps: Sequence[int] = ()
    mean: Sequence[float] | None = None
    quantiles: Mapping[str, Sequence[float]] | None = None
    samples: Sequence[Sequence[float]] | None = None
    error: str | None = None
    transform: str | None = None
    line: int = 0


@record()
class StartTransform:
    """Forecast every line of a JSON Lines file with the model of an endpoint (contract D-050 … D-065).

    Of a project that is not the default one, `name` and `model_name` are `project=name`, the paths as its users write
    them.
    """

    command_id: str
    name: str
    model_name: str
    input_path: str
    output_path: str
    inference_config: str | None = None
    assemble_with: str = "Line"
    on_error: str = "fail"


@record()
class StopTransform:
    """Stop a transform job."""

    command_id: str
    name: str


@record(kw_only=True)
class TransformRecord:
    """One transform job in the table `transforms`; `streams.inference.transforms.Answered` reads `finished`."""

    name: str
    command_id: str
    model_name: str
    input_path: str
    output_path: str
    output_key: str
    inference_config: str | None = None
    assemble_with: str = "Line"
    on_error: str = "fail"
    created: int
    ended: int | None = None
    status: str
    failure_reason: str | None = None
    lines: int = 0
    finished: bytes = b""
    first_offset: int = 0
    digest: str = ""


TYPES: tuple[type, ...] = (InferenceRequest, InferenceResult, StartTransform, StopTransform, TransformRecord)
