"""Built-in algorithms by number (contract T-075), and what the labels of a version's parameters may mean to them."""

from collections.abc import Iterable
from typing import Final

from models.catalog import CATALOG

__all__ = ["DEEPAR", "INFERENCE_CONFIG", "JOB_LABELS", "MODEL_IDS", "model_name", "unused_labels"]

MODEL_IDS: Final = {name: number for number, name in enumerate(CATALOG, 1)}
"""The number of each algorithm, as `GET /model/` has it."""
DEEPAR: Final = MODEL_IDS["DeepAR"]
INFERENCE_CONFIG: Final = "DEEPAR_INFERENCE_CONFIG"
"""The label of a parameter that the endpoint is to have in its environment (contract D-054, D-060)."""
JOB_LABELS: Final = frozenset(
    (
        "timestamp_indexs",
        "target_indexs",
        "groupby_indexs",
        "next_k_prediction",
        "auto_tune",
        "auto_tune_metric",
        "max_eval",
        "eval_metrics",
        "refit",
    )
)
"""Fields of contract 000's PUT and PATCH, which every algorithm has among its labels."""

_NAMES: Final = {number: name for name, number in MODEL_IDS.items()}


def model_name(model_id: int) -> str | None:
    """The algorithm of this number; None where there is none."""
    return _NAMES.get(model_id)


def unused_labels(name: str, labels: Iterable[str]) -> list[str]:
    """Labels that mean nothing to the algorithm, which ignores them."""
    known = {parameter.name for parameter in CATALOG[name].hyper_parameters} | JOB_LABELS
    return [label for label in labels if label not in known]
