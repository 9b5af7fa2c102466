"""Training jobs and versions as clients see them (contract 002, T-080, T-120 … T-131)."""

from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

import orjson

from schemas.training import SYSTEM_METRICS
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams.access import names
from streams.training.configs import config_of
from streams.training.listing import duration_of
from streams.training.resources import DEFAULT_ENGINE, SPEC_ID, engines, interval_minutes, specification
from streams.training.states import TrainingState

__all__ = ["config_fields", "created", "named", "version", "version_created"]

_TEXTS: Final = (  # always there (T-037)
    "app_url",
    "boot_file_url",
    "pool_id",
    "data_url",
    "dataset_id",
    "dataset_version_id",
    "train_url",
    "log_url",
    "user_image_url",
    "user_command",
)
_LISTS: Final = ("parameter", "data_source", "volumes")
_NUMBERS: Final = ("worker_server_num", "model_id", "spec_id")
_UNKNOWN: Final = {"dataset_name": "", "dataset_version_name": "", "pool_name": ""}  # of what is elsewhere


def created(job: TrainingJobRecord, version: TrainingVersionRecord | None) -> dict[str, Any]:
    """The answer to a creation (T-080). The status is that of a new job, also where it has gone on meanwhile."""
    answer = {
        "is_success": True,
        "job_id": job.job_id,
        "job_name": job.job_name,
        "status": int(TrainingState.INITIALISING),
        "create_time": job.create_time,
    }
    if version is not None:
        answer |= {
            "version_id": version.version_id,
            "resource_id": _resource_id(version),
            "version_name": version.version_name,
        }
    return answer


def version_created(job: TrainingJobRecord, version: TrainingVersionRecord) -> dict[str, Any]:
    """The answer to the creation of a version (T-112)."""
    return {
        "is_success": True,
        "job_id": job.job_id,
        "job_name": job.job_name,
        "status": int(TrainingState.INITIALISING),
        "create_time": version.create_time,
        "version_id": version.version_id,
        "version_name": version.version_name,
    }


def named(job: TrainingJobRecord) -> dict[str, Any]:
    """What answers about a job's versions begin with."""
    return {"is_success": True, "job_id": job.job_id, "job_name": job.job_name, "job_desc": job.job_desc}


def version(
    record: TrainingVersionRecord, *, now: int, interval_s: float, measured_as_object: bool = False
) -> dict[str, Any]:
    """The fields of T-120, and of ours: the progress, the scores in plain form, the endpoint and where results are.

    `system_metric_list` is JSON in a text (T-125), or an object (T-127, decision 26); `interval_s` is between two of
    its values where none was measured yet.
    """
    measured = record.system_metrics or _nothing_measured(interval_s)
    shown = {
        "version_id": record.version_id,
        "version_name": record.version_name,
        "pre_version_id": record.pre_version_id or None,
        "status": record.status,
        "create_time": record.create_time,
        "start_time": record.start_time,
        "duration": duration_of(record.status, record.start_time, record.changed, now),
        **config_fields(record.config),
        "resource_id": _resource_id(record),
        "model_metric_list": record.model_metrics or _model_metrics(record),
        "system_metric_list": orjson.loads(measured) if measured_as_object else measured,
        "epoch": record.epoch,
        "epochs": record.epochs,
        "loss": record.loss,
        "validation_loss": record.validation_loss,
        "metrics": dict(record.metrics),
        "endpoint": names.shown(record.endpoint or ""),
        "message": "; ".join(text for text in (record.note, record.message) if text),
        "forecast_job_id": record.forecast_job_id,
    }
    return {name: value for name, value in shown.items() if value is not None}


def config_fields(text: str) -> dict[str, Any]:
    """A config with what is known of it: texts and arrays are always there, numbers where they were given."""
    config = config_of(text)
    engine = config.get("engine_id", DEFAULT_ENGINE)
    return {
        **{name: config.get(name, "") for name in _TEXTS},
        **{name: config.get(name, []) for name in _LISTS},
        **{name: config[name] for name in _NUMBERS if name in config},
        **_UNKNOWN,
        "engine_name": "",
        "engine_version": "",
        "engine_id": engine,
        **engines().get(engine, {}),
        **specification(),
        "spec_code": specification()["spec_code"] if config.get("spec_id", SPEC_ID) == SPEC_ID else "",
        **_shared_folder(config),
    }


def _shared_folder(config: Mapping[str, Any]) -> dict[str, str]:
    """The first NFS volume in the fields of its own that it has too (T-122)."""
    for volume in config.get("volumes", ()):
        if (nfs := volume.get("nfs")) is not None:
            places = {"nas_mount_path": nfs.get("dest_path", ""), "nas_share_addr": nfs.get("src_path", "")}
            return {**places, "nas_type": "nfs"}
    return {"nas_mount_path": "", "nas_share_addr": "", "nas_type": ""}


def _nothing_measured(interval_s: float) -> str:
    return orjson.dumps({**{name: [] for name in SYSTEM_METRICS}, "interval": interval_minutes(interval_s)}).decode()


def _resource_id(record: TrainingVersionRecord) -> str:
    """T-083; nothing is billed, but a client may want it."""
    return f"job{crc32(b'%d' % record.version_id):08x}"


def _model_metrics(record: TrainingVersionRecord) -> str:
    """The scores as the contract wraps them, JSON in a text also before there are any (T-123, T-124, T-128)."""
    total = {"total_metric_meta": {}, "total_reserved_data": {}, "total_metric_values": dict(record.metrics)}
    return orjson.dumps({"metric": [], "total_metric": total}).decode()
