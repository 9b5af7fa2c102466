"""Training jobs as clients see them: the answer to a creation, lists and versions of contract 002."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final
from zlib import crc32

import orjson

from schemas.training_rows import TrainingJobRecord
from streams.training.jobs import ENDED, TrainingState

__all__ = ["Listing", "created", "listed", "named", "version"]

_VERSIONS: Final = 1  # of each job, until jobs can have more
_SHOWN: Final[Mapping[str, Any]] = {  # of the config as sent; texts are always there (T-037), the others where given
    "app_url": "",
    "boot_file_url": "",
    "engine_id": None,
    "model_id": None,
    "spec_id": None,
    "pool_id": "",
    "worker_server_num": None,
    "user_image_url": "",
    "user_command": "",
    "volumes": None,
}
_UNKNOWN: Final = {  # what only data sets and dedicated pools have
    "dataset_id": "",
    "dataset_version_id": "",
    "dataset_name": "",
    "dataset_version_name": "",
    "pool_name": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which jobs a list shows, and in what order (T-090 … T-096)."""

    statuses: frozenset[int] | None = None
    workspace_id: str = "0"
    search_content: str = ""
    sort_by: str = "job_name"
    descending: bool = False
    page: int = 1
    per_page: int = 10


def created(record: TrainingJobRecord) -> dict[str, Any]:
    """The answer to a creation (T-080). The status is that of a new job, also where it has gone on meanwhile."""
    return {
        "is_success": True,
        "job_id": record.job_id,
        "job_name": record.job_name,
        "status": int(TrainingState.INITIALISING),
        "create_time": record.create_time,
        "version_id": record.version_id,
        "resource_id": _resource_id(record),
        "version_name": record.version_name,
    }


def listed(records: Iterable[TrainingJobRecord], listing: Listing, *, now: int) -> tuple[int, list[dict[str, Any]]]:
    """How many jobs fit, and those of the page."""
    wanted = listing.search_content.casefold()  # T-098
    fitting = [
        _summary(record, now)
        for record in records
        if record.workspace_id == listing.workspace_id
        and (listing.statuses is None or record.status in listing.statuses)
        and wanted in record.job_name.casefold()
    ]
    fitting.sort(key=itemgetter("job_id"))
    fitting.sort(key=itemgetter(listing.sort_by), reverse=listing.descending)  # stable: equal ones stay by job_id
    first = (listing.page - 1) * listing.per_page
    return len(fitting), fitting[first : first + listing.per_page]


def named(record: TrainingJobRecord) -> dict[str, Any]:
    """What answers about a job's versions begin with."""
    return {"is_success": True, "job_id": record.job_id, "job_name": record.job_name, "job_desc": record.job_desc}


def version(record: TrainingJobRecord, *, now: int) -> dict[str, Any]:
    """The fields of T-120 that are known, and of ours: the progress, the scores in plain form and the endpoint."""
    config = json.loads(record.config)
    sent = {name: config.get(name, absent) for name, absent in _SHOWN.items()}
    parameter = config.get("parameter") or [{"label": name, "value": it} for name, it in record.parameters.items()]
    shown = {
        "version_id": record.version_id,
        "version_name": record.version_name,
        "status": record.status,
        "create_time": record.create_time,
        "start_time": record.start_time,
        "duration": _duration(record, now),
        **sent,
        **_UNKNOWN,
        "parameter": parameter,
        "data_url": record.data_url,
        "train_url": record.train_url,
        "log_url": record.log_url,
        "resource_id": _resource_id(record),
        "model_metric_list": _model_metrics(record),
        "epoch": record.epoch,
        "epochs": record.epochs,
        "loss": record.loss,
        "validation_loss": record.validation_loss,
        "metrics": dict(record.metrics),
        "endpoint": record.endpoint or "",
        "message": "; ".join(text for text in (record.note, record.message) if text),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _summary(record: TrainingJobRecord, now: int) -> dict[str, Any]:
    """A job in a list: its own fields and those of its newest version (T-044, T-102)."""
    return {
        "job_id": record.job_id,
        "job_name": record.job_name,
        "version_id": record.version_id,
        "status": record.status,
        "create_time": record.create_time,
        "duration": _duration(record, now),
        "job_desc": record.job_desc,
        "version_count": _VERSIONS,
    }


def _duration(record: TrainingJobRecord, now: int) -> int:
    """Milliseconds from the beginning of the training to its end, or until now (T-036, T-135)."""
    if record.start_time is None:
        return 0
    end = record.changed if record.status in ENDED and record.changed is not None else now
    return max(0, end - record.start_time)


def _resource_id(record: TrainingJobRecord) -> str:
    """T-083; nothing is billed, but a client may want it."""
    return f"job{crc32(b'%d' % record.version_id):08x}"


def _model_metrics(record: TrainingJobRecord) -> str:
    """The scores as the contract wraps them: JSON in a text (T-123, T-124, T-128); empty until there are some."""
    if not record.metrics:
        return ""
    total = {"total_metric_meta": {}, "total_reserved_data": {}, "total_metric_values": dict(record.metrics)}
    return orjson.dumps({"metric": [], "total_metric": total}).decode()
