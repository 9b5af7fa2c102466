"""Models of irises as files, made by `examples/make_models.py`, and what scikit-learn itself answers for them."""

import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"

__all__ = ["FEATURES", "SPECIES", "maker", "model_file", "records", "trained"]

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SPECIES = ("setosa", "versicolor", "virginica")


@cache
def maker() -> Any:
    """The example as a module."""
    sys.path.append(str(EXAMPLES))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import make_models  # type: ignore[import-not-found]  # noqa: PLC0415
    finally:
        sys.path.remove(str(EXAMPLES))
    return make_models


@cache
def trained() -> Any:
    """By the name of their algorithm."""
    return maker().models()


@cache
def model_file(file_name: str) -> bytes:
    """The content of `iris_tree.pmml` and the like."""
    name = file_name.removeprefix("iris_").rpartition(".")[0]
    found: bytes = maker().files(name, trained()[name])[file_name]
    return found


def records(count: int = 150, columns: int = 4) -> list[dict[str, float]]:
    """Measures by name."""
    x = maker().iris()[0]
    return [dict(zip(FEATURES, row, strict=False)) for row in x[:count, :columns].tolist()]
