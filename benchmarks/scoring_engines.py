"""PMML and ONNX models, one record and many: as the service computes them, and PMML as pypmml's users do (Py4J).

All in this process, JSON on neither side. The same file, the same records, and the same answers, which are compared.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pypmml
from pypmml.base import PMMLContext

from benchmarks.report import measure, show
from connectors.embedded_kafka.java import find_java
from models.scoring.files import load, prepare
from models.scoring.info import Task

__all__ = ["run"]

_MANY: Final = 2000
_ONES: Final = 300
_RUNS: Final = 7
_WARM: Final = 30  # Java compiles what it has seen often
_EXAMPLES: Final = Path(__file__).parents[1] / "examples"
_ALGORITHMS: Final = ("logistic", "tree", "network")


def run() -> None:
    """Measure and print."""
    sys.path.append(str(_EXAMPLES))
    import make_models  # noqa: PLC0415 - an example, which is no package

    java = str(find_java().path)
    PMMLContext.getOrCreate(gateway="py4j", java_path=java)
    x = np.tile(make_models.iris()[0], (14, 1))[:_MANY]
    rows = []
    for name in _ALGORITHMS:
        for file_name, content in make_models.files(name, make_models.models()[name]).items():
            rows += _of(file_name, content, x, make_models.FEATURES, java)
    show("models in one process", ("model", "as", "one by one", "2,000 at once"), rows)
    PMMLContext.shutdown()


def _of(file_name: str, content: bytes, x: Any, features: tuple[str, ...], java: str) -> list[tuple[str, ...]]:
    kind: Any = file_name[-4:]
    model = load(prepare(kind, content, java=java).content, java=java)
    assert model.info.task is Task.CLASSIFICATION
    pmml = kind == "pmml"
    many = dict(zip(features, x.T, strict=True)) if pmml else {"X": x.astype(np.float32)}
    one = {name: values[:1] for name, values in many.items()}

    def ours(frame: Any) -> Any:
        return model.results(model.run(frame))

    measure(lambda: ours(many), count=_MANY, runs=_WARM)
    ours_many = measure(lambda: ours(many), count=_MANY, runs=_RUNS)
    ours_one = measure(lambda: [ours(one) for _ in range(_ONES)], count=_ONES, runs=_RUNS)
    found = [(file_name, "served", str(ours_one), str(ours_many))]
    if pmml:
        with tempfile.NamedTemporaryFile(suffix=".pmml") as file:
            file.write(content)
            file.flush()
            theirs = pypmml.Model.load(file.name)
        theirs.setSupplementOutput(True)
        table, record = pd.DataFrame(x, columns=list(features)), dict(zip(features, x[0].tolist(), strict=True))
        told = theirs.predict(table)["predicted_species"].tolist()
        assert told == [answer["label"] for answer in ours(many)]
        measure(lambda: theirs.predict(table), count=_MANY, runs=_WARM)
        their_many = measure(lambda: theirs.predict(table), count=_MANY, runs=_RUNS)
        their_one = measure(lambda: [theirs.predict(record) for _ in range(_ONES)], count=_ONES, runs=_RUNS)
        faster = f"{ours_one.rate / their_one.rate:.1f}x", f"{ours_many.rate / their_many.rate:.1f}x"
        found += [(file_name, "pypmml by Py4J", str(their_one), str(their_many)), ("", "we against that", *faster)]
    return found
