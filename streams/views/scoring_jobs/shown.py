"""Jobs and runs as answers show them, and what requests about them say."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from fastapi import Request

from models.json_words import BadJsonError, read_json, shown
from schemas.scoring_jobs import ScoringJobRecord, ScoringRunRecord
from streams.access import names
from streams.checks import invalid_field
from streams.scoring_jobs import runs
from streams.views.scoring.reading import Fields, iso_time, text
from streams.views.web.reading import address

__all__ = ["args_of", "content_of", "ext_of", "job_shown", "run_shown", "variables_of", "version_of"]

_MOST_ARGS: Final = 1000
_LATEST_MS: Final = 253_370_764_800_000  # the year 9999: jobs of before 2026-12 may be due later, which is never


def job_shown(request: Request, job: ScoringJobRecord) -> dict[str, Any]:
    """As S-102 has it, and what was asked for."""
    return {
        "jobName": names.shown(job.name),
        "url": address(request, f"/api/v1/jobs/{names.shown(job.name)}"),
        "createTime": iso_time(job.created),
        "environment": job.environment,
        "dispatch": job.dispatch,
        "jobDescription": job.description,
        "fileName": job.file_name,
        "ext": job.ext,
        "variables": dict(job.variables),
        "args": job.args,
        "schedule": job.schedule or None,
        "timeZone": job.time_zone,
        "missedRuns": job.missed_runs,
        "nextRunTime": None if job.next_due is None or job.next_due > _LATEST_MS else iso_time(job.next_due),
        "modelName": job.model_name,
        "inputDataset": job.input_dataset,
        "outputDataset": job.output_dataset,
    }


def run_shown(run: ScoringRunRecord) -> dict[str, Any]:
    """As S-102 has it, and how far it is."""
    return {
        "id": run.run_id,
        "name": run.name,
        "jobName": names.shown(run.job_name),
        "createTime": iso_time(run.created),
        "duration": runs.duration(run, round(time.time() * 1000)),
        "status": run.status,
        "reason": run.reason,
        "rows": run.rows,
        "wrongRows": run.wrong_rows,
        "dueTime": None if run.due is None else iso_time(run.due),
    }


def content_of(fields: Fields) -> bytes:
    """What was sent, the same for the same fields, in whatever form they came."""
    return orjson.dumps({name: _plain(value) for name, value in fields.items()}, option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def ext_of(fields: Fields) -> str:
    """A script's suffix, with or without its point (S-100)."""
    ext = text(fields, "ext", required=False) or ".py"
    return ext if ext.startswith(".") else f".{ext}"


def version_of(fields: Fields) -> str:
    """A Python version, which some send as a number; 3.7 where none was sent (S-100)."""
    value = fields.get("environment")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}"
    return text(fields, "environment", required=False) or "3.7"


def variables_of(fields: Fields) -> dict[str, str]:
    """Environment variables: an object, as it is or as JSON; nothing may be empty in any way (S-096)."""
    value = fields.get("variables")
    if isinstance(value, str):
        try:
            value = read_json(value) if value.strip() else None
        except BadJsonError:
            raise _no_variables(value) from None
    if value is None or value == []:
        return {}
    if not isinstance(value, Mapping):
        raise _no_variables(value)
    return {name: _variable(name, one) for name, one in value.items()}


def _variable(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise invalid_field(f"variables, {name[:80]}", "expected a text or a number")
    return str(value)


def _no_variables(value: Any) -> Exception:
    return invalid_field("variables", f'found {shown(value)}, expected an object such as {{"NAME": "value"}}')


def args_of(fields: Fields) -> str:
    """Arguments: a text, or a list of texts (S-096)."""
    value = fields.get("args")
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) > _MOST_ARGS or not all(isinstance(one, str | int | float) for one in value):
            raise invalid_field("args", "expected a text, or an array of texts")
        return " ".join(map(str, value))
    return text(fields, "args", required=False)
