"""What an ONNX file is for, as far as the file can tell: by its operators and by what a trial gives.

- A label with scores is a classification; where the label is the place of the least score, a clustering.
- One array of numbers: after a softmax a classification without names; one number a record is a regression; several
  are a dimension reduction where nothing but arithmetic leads to fewer numbers than went in, else a regression with
  several targets.
- Whatever else is given as it comes. Who uploads may name the task, and so may the file (its metadata `task`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from models.errors import RejectedInputError
from models.scoring.info import Array, BadModelError, Frame, ModelInfo, Outputs, Task, Variable
from models.scoring.onnx_file import Parsed
from models.scoring.onnx_model import OnnxModel, OutOfMemoryError

__all__ = ["decided"]

_LABELS: Final = ("int64", "int32", "string", "bool", "int8", "uint8")
_SOFT: Final = ("Softmax", "LogSoftmax")
_PASSING: Final = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
_TRIED: Final = 2  # records of a trial: the least that shows whether one has to do with another
_UNKNOWN_SIZE: Final = 4  # of an axis of which the file says nothing
_MOST_TRIED: Final = 1 << 24  # values of a trial; the input of a large picture has a million


def decided(parsed: Parsed, asked: str | None) -> tuple[ModelInfo, dict[str, Any]]:
    """What the model is, and how its answers are read; BadModelError where it cannot be used as what is `asked`."""
    model = OnnxModel.load(parsed.content)
    outputs = _trial(model)
    plan: dict[str, Any] = {
        "by_record": outputs is not None and _by_record(model, outputs),
        "tried": outputs is not None,
    }
    task = Task.OTHER
    if plan["by_record"] or outputs is None:
        plan["by_record"] = True if outputs is None else plan["by_record"]
        task = _task(parsed, model.info, outputs or {}, plan)
    named = asked or parsed.asked
    if named and named in set(Task) and named != task:
        task = _as_asked(Task(named), model.info, outputs or {}, plan)
    return replace(model.info, task=task, algorithm=parsed.algorithm), plan


def _task(parsed: Parsed, info: ModelInfo, outputs: Outputs, plan: dict[str, Any]) -> Task:
    labels = [it for it in info.targets if _element(it) in _LABELS and _rank(it, outputs) <= 1]
    numbers = [it for it in info.targets if _element(it) in ("float", "double") and 1 <= _rank(it, outputs) <= 2]
    if labels and len(info.targets) <= 2:
        plan["label"] = labels[0].name
        return _with_label(parsed, labels[0], numbers, outputs, plan)
    if len(info.targets) == 1 and numbers:
        return _numbers(parsed, numbers[0], info, outputs, plan)
    if len(info.targets) == 1 and _element(info.targets[0]) in _LABELS and _rank(info.targets[0], outputs) <= 2:
        plan["value"] = info.targets[0].name  # of a regression that counts
        return Task.REGRESSION
    return Task.OTHER


def _with_label(
    parsed: Parsed, label: Variable, numbers: list[Variable], outputs: Outputs, plan: dict[str, Any]
) -> Task:
    if numbers:
        plan["scores"] = numbers[0].name
        if _width(numbers[0], outputs) == 1 and not parsed.classes:
            return Task.ANOMALY_DETECTION
    nearest = next((one for one in parsed.ends.get(label.name, ()) if one not in _PASSING), "")
    if nearest == "ArgMin":
        return Task.CLUSTERING
    _name_classes(parsed, plan)
    return Task.CLASSIFICATION


def _numbers(parsed: Parsed, value: Variable, info: ModelInfo, outputs: Outputs, plan: dict[str, Any]) -> Task:
    width = _width(value, outputs)
    nearest = next((one for one in parsed.ends.get(value.name, ()) if one not in _PASSING), "")
    if nearest in _SOFT and width > 1:
        plan |= {"scores": value.name, "logarithms": nearest == "LogSoftmax"}
        _name_classes(parsed, plan)
        return Task.CLASSIFICATION
    plan["value"] = value.name
    sent = sum(it.shape[1] or 1 if it.shape and len(it.shape) > 1 else 1 for it in info.inputs)
    if width > 1 and parsed.linear and width <= sent:
        return Task.DIMENSION_REDUCTION
    return Task.REGRESSION


def _name_classes(parsed: Parsed, plan: dict[str, Any]) -> None:
    if parsed.classes:
        plan["classes"] = list(parsed.classes)
    if parsed.scores_only:
        plan["scores_only"] = True


def _as_asked(task: Task, info: ModelInfo, outputs: Outputs, plan: dict[str, Any]) -> Task:
    """The task that somebody names, where the outputs can be read so."""
    labels = [it.name for it in info.targets if _element(it) in _LABELS and _rank(it, outputs) <= 1]
    numbers = [it.name for it in info.targets if _element(it) in ("float", "double")]
    if task in (Task.REGRESSION, Task.DIMENSION_REDUCTION) and numbers:
        plan["value"] = numbers[0]
    elif task is Task.CLASSIFICATION and numbers:
        plan |= {"scores": numbers[0], **({"label": labels[0]} if labels else {})}
    elif task in (Task.CLUSTERING, Task.ANOMALY_DETECTION) and labels and (numbers or task is Task.CLUSTERING):
        plan |= {"label": labels[0], **({"scores": numbers[0]} if numbers else {})}
    elif task is not Task.OTHER:
        raise BadModelError(f"task: the model's outputs cannot be read as a {task}: leave the task out")
    return task


def _trial(model: OnnxModel) -> Outputs | None:
    """What the model makes of ones and empty texts; None where it cannot do with these, which need mean nothing."""
    try:
        return model.run({it.name: _ones(it) for it in model.info.inputs})
    except OutOfMemoryError as error:
        raise BadModelError("the model takes too much memory to answer one record") from error
    except RejectedInputError:
        return None


def _by_record(model: OnnxModel, outputs: Outputs) -> bool:
    """Whether each record has an answer of its own, which the other records do not change."""
    frame = {it.name: _ones(it) for it in model.info.inputs}
    if not frame or any(not np.ndim(one) for one in (*frame.values(), *outputs.values())):
        return False
    count = {len(one) for one in frame.values()}
    if len(count) > 1 or {len(one) for one in outputs.values()} != count:
        return False
    if count == {1}:
        return True
    other = {name: _other_last(values) for name, values in frame.items()}
    try:
        changed = model.run(other)
    except RejectedInputError:
        return True
    return all(_same(outputs[name][:-1], changed[name][:-1]) for name in outputs)


def _same(one: Any, other: Any) -> bool:
    if np.shape(one) != np.shape(other):  # how much it answers is in what it is asked
        return False
    if not isinstance(one, np.ndarray) or one.dtype.kind not in "fc":
        return bool(np.all(np.asarray(one == other)))
    return bool(np.allclose(one, other, rtol=1e-3, atol=1e-5, equal_nan=True))


def _other_last(values: Array) -> Array:
    changed = values.copy()
    if values.dtype.kind in "fiu":
        changed[-1] = 2
    return changed


def _ones(variable: Variable) -> Array:
    shape = [_UNKNOWN_SIZE if size is None else size for size in variable.shape or ()]
    if shape and variable.shape and variable.shape[0] is None:
        shape[0] = _TRIED
    if np.prod(shape, dtype=float) > _MOST_TRIED:
        raise BadModelError(f"the input {variable.name} has the shape {shape}: it is too large to be sent")
    kind = _element(variable)
    if kind == "string":
        return np.full(shape, "", dtype=object)
    return np.ones(shape, dtype={"float": "float32", "double": "float64"}.get(kind, kind))


def _element(variable: Variable) -> str:
    return variable.type.removeprefix("tensor(").removesuffix(")")


def _rank(variable: Variable, outputs: Outputs) -> int:
    """Axes of an output: those of the trial, which knows more than the file; a last one of length one is none."""
    made = outputs.get(variable.name)
    shape: tuple[int | None, ...] = np.shape(made) if made is not None else variable.shape or ()
    return 1 if len(shape) == 2 and shape[1] == 1 and _element(variable) in _LABELS else len(shape)


def _width(variable: Variable, outputs: Mapping[str, Any] | Frame) -> int:
    made = outputs.get(variable.name)
    shape: tuple[int | None, ...] = np.shape(made) if made is not None else variable.shape or ()
    return (shape[1] or 1) if len(shape) > 1 else 1
