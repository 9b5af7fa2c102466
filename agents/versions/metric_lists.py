"""`model_metric_list` and `system_metric_list` of a version, as JSON texts (contract T-123 … T-128)."""

import json
from collections.abc import Mapping
from typing import Final

from agents.versions.telling import finite

__all__ = ["model_metric_list"]

_CLASSIFICATION: Final = ("recall", "precision", "accuracy", "f1_score")


def model_metric_list(values: Mapping[str, float | None]) -> str:
    """What a model came to: the four of classification where they are known, then all others; empty: nothing is."""
    if not values:
        return ""
    ordered = [name for name in _CLASSIFICATION if name in values]
    ordered += [name for name in values if name not in ordered]
    total = {name: finite(values[name]) for name in ordered}
    return json.dumps(
        {
            "metric": [],
            "total_metric": {"total_metric_meta": {}, "total_reserved_data": {}, "total_metric_values": total},
        }
    )
