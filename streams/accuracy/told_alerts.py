"""Alerts as JSON, as the webhook and `GET /alerts` have them."""

from typing import Any

from connectors.timestamps.parsing import format_timestamp
from schemas.observations import Alert
from streams.access.caller import DEFAULT_PROJECT

__all__ = ["alert_json"]


def alert_json(alert: Alert) -> dict[str, Any]:
    """All of it; `timestamp` as people write it, `at` in epoch milliseconds; null where something does not belong."""
    return {
        "alert_id": alert.alert_id,
        "kind": alert.kind,
        "message": alert.message,
        "at": alert.at,
        "timestamp": format_timestamp(alert.timestamp),
        "job_id": alert.job_id,
        "data_id": alert.data_id,
        "ts_id": alert.ts_id,
        "series_key": alert.series_key,
        "model_name": alert.model_name or None,
        "n": None if alert.n < 0 else alert.n,
        "step": alert.step,
        "value": alert.value,
        "expected": alert.expected,
        "low": alert.low,
        "high": alert.high,
        "project": alert.project or DEFAULT_PROJECT,
    }
