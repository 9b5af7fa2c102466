"""The node tests of the onnx package: each operator's examples give what onnxruntime alone gives, or are refused."""

import warnings
from functools import cache
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx.backend.test.case.node import collect_testcases

from models.errors import RejectedInputError
from models.scoring import files
from models.scoring.info import BadModelError

_LEAST = 1400  # of nearly 1,900; the engine has not all operators, and not all types of each
_CANNOT_BE_SENT = ("seq(", "optional(")  # JSON has no way to say these


@cache
def cases() -> dict[str, Any]:
    """By name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {case.name: case for case in collect_testcases(None)}


def engine(content: bytes, given: Any) -> Any:
    """What onnxruntime alone gives; None where it has no such operator."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return session.run(None, dict(zip((it.name for it in session.get_inputs()), given, strict=False)))
    except Exception:  # noqa: BLE001 - of many kinds, all the engine's
        return None


def ours(content: bytes, given: Any) -> Any:
    """What our way around it gives, and that it can be written as JSON."""
    model: Any = files.load(files.prepare("onnx", content).content)
    frame = model.checked({it.name: value for it, value in zip(model.info.inputs, given, strict=False)})
    found = model.run(frame)
    assert model.results(found) is not None
    return list(found.values())


def same(one: Any, other: Any) -> bool:
    """Nearly; models with chance in them are none of the examples that the engine gets right."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype.kind in "fiub" and other.dtype.kind in "fiub":
        return one.shape == other.shape and np.allclose(one, other, rtol=1e-3, atol=1e-5, equal_nan=True)
    return bool(one.tolist() == other.tolist())


def right(found: Any, expected: Any) -> bool:
    """All outputs."""
    plain = [np.asarray(one) for one in expected if not isinstance(one, list)]
    return len(plain) == len(found) and all(map(same, found, plain))


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_operators_give_what_the_engine_gives() -> None:
    """Wherever it gives what the example says."""
    good, wrong = 0, {}
    for name, case in cases().items():
        content = case.model.SerializeToString()
        for given, expected in case.data_sets:
            alone = engine(content, given)
            if alone is None or not right(alone, expected):
                continue
            try:
                if right(ours(content, given), expected):
                    good += 1
                else:
                    wrong[name] = "other values"
            except (BadModelError, RejectedInputError) as error:
                if not any(kind in str(error) for kind in _CANNOT_BE_SENT):
                    wrong[name] = str(error)

    assert wrong == {}
    assert good > _LEAST
