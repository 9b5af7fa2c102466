"""How a transform job is shown: in a list, and with all that was asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.objects.layout import named
from schemas.inference import TransformRecord
from streams.access import names
from streams.inference.transforms import Answered

__all__ = ["description", "summary"]


def summary(record: TransformRecord) -> dict[str, Any]:
    """A job in a list."""
    shown = {
        "TransformJobName": names.shown(record.name),
        "TransformJobStatus": record.status,
        "CreationTime": _time(record.created),
    }
    if record.ended is not None:
        shown["TransformEndTime"] = _time(record.ended)
    if record.failure_reason is not None:
        shown["FailureReason"] = record.failure_reason
    return shown


def description(record: TransformRecord) -> dict[str, Any]:
    """A job with what was asked for and how far it is."""
    environment: Mapping[str, str] = {}
    if record.inference_config is not None:
        environment = {"DEEPAR_INFERENCE_CONFIG": record.inference_config}
    return summary(record) | {
        "ModelName": names.shown(record.model_name),
        "BatchStrategy": "SingleRecord",
        "Environment": environment,
        "TransformInput": {
            "SplitType": "Line",
            "DataSource": {"S3DataSource": {"S3Uri": f"/{named(record.input_path)[1]}"}},
        },
        "TransformOutput": {"AssembleWith": record.assemble_with, "S3OutputPath": record.output_path},
        "OutputFile": f"/{named(record.output_key)[1]}",
        "on_error": record.on_error,
        "lines": record.lines,
        "finished": Answered.of(record).count,
    }


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
