"""PMML models by pypmml's engine: inputs checked as the file's data dictionary says, outputs by what they tell."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from typing import Any, Final, Self

import numpy as np

from models.errors import RejectedInputError
from models.scoring import tasks
from models.scoring.frames import columns_of, in_words, kinds_of
from models.scoring.info import Array, BadModelError, Frame, ModelInfo, Outputs, Task, Variable
from models.scoring.jvm import JavaModel
from models.scoring.pmml_domains import INSTEAD, TIMES, Domain, counted, counts_time

__all__ = ["PmmlModel"]

_REAL: Final = ("float", "double")
_WHOLE: Final = ("integer",)
_WARM: Final = 200  # records; the first hundreds take up to a thousand times as long as the others
_WARM_AT_ONCE: Final = 20
_ROUNDING: Final = 1e-6


class PmmlModel:
    """A model and what `pmml_file.parsed` says of it."""

    batches = True

    def __init__(self, model: JavaModel, info: ModelInfo, plan: Mapping[str, Any]) -> None:
        self.info = info
        self._model = model
        self._domains = {it.name: Domain.of(it, plan) for it in info.inputs}
        self._roles = _Roles(model, info)

    @classmethod
    def load(cls, content: bytes, info: ModelInfo, plan: Mapping[str, Any], java: str | None = None) -> Self:
        """Load what `pmml_file.parsed` has made of a file; BadModelError where the engine cannot."""
        has_target = (
            bool(info.targets) and info.task in (Task.CLASSIFICATION, Task.REGRESSION) and not plan.get("plain")
        )
        model = JavaModel(content, java, has_target=has_target)
        if not model.outputs or not info.inputs:
            raise BadModelError(
                "PMML: the model has no input, or neither a target nor an Output: it could answer nothing"
            )
        return cls(model, replace(info, engine=f"pypmml {metadata.version('pypmml')}"), plan)

    def warm(self) -> None:
        """Let Java compile what it will need: the first records are slow."""
        for together in (_WARM_AT_ONCE, 1):  # they are different ways into Java
            frame = {it.name: _ones(it, together) for it in self.info.inputs}
            for _ in range(_WARM // _WARM_AT_ONCE):
                try:
                    self.results(self.run(frame))
                except RejectedInputError:
                    return  # such values are none of the model's

    def frame(self, content: Any) -> Frame:
        """What was sent, as arrays."""
        columns = columns_of(content, self.info.inputs, lambda _: 1)
        return {it.name: self._column(it, columns[it.name]) for it in self.info.inputs}

    def _column(self, variable: Variable, values: list[Any]) -> Array:
        domain = self._domains[variable.name]
        nested = any(isinstance(value, list) for value in values)
        if nested:  # an axis of its own for each, as tensors have it
            values = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
        if _is_number(variable):
            fitting = {int} if variable.type in _WHOLE else {int, float}
            if nested or domain.by_value or not kinds_of(values) <= fitting:
                made = [self._single(variable, index, value) for index, value in enumerate(values)]
                values = [np.nan if value is None else value for value in made]
            return domain.within(variable, _reals(variable, values))
        made = [self._single(variable, index, value) for index, value in enumerate(values)]
        return np.array([*made, None], dtype=object)[:-1]  # or equal texts would become an array of characters

    def _single(self, variable: Variable, index: int, value: Any) -> Any:
        domain = self._domains[variable.name]
        if value is None or value != value or domain.is_missing(value):  # noqa: PLR0124 - NaN is a missing value
            return None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        made: Any
        if variable.type in _REAL:
            if value == "NaN":
                return None
            made, expected = (float(value) if number else None), "a number"
        elif variable.type in _WHOLE:
            made, expected = (
                (int(value) if number and math.isfinite(value) and value == int(value) else None),
                "a whole number",
            )
        elif counts_time(variable.type):
            made = counted(variable.type, value) if isinstance(value, str) else float(value) if number else None
            expected = f"a number, or a text that is one of {variable.type}, such as {_time_of(variable.type)}"
        elif variable.type in TIMES:
            text = (
                f"is of the type {variable.type}, which the engine does not compute with: send null, or let the file "
            )
            raise RejectedInputError(variable.name, f"X, record {index + 1}, {variable.name}: {text}{INSTEAD}")
        elif variable.type == "boolean":
            made, expected = (value if isinstance(value, bool) else None), "true or false"
        else:
            made, expected = (value if isinstance(value, str) else None), "a text"
        if made is None:
            raise in_words(variable, index, value, expected)
        domain.check(variable, index, made)
        return made

    def checked(self, frame: Frame) -> Frame:
        """Arrays of somebody else: one value a record, with or without an axis of its own."""
        made = {}
        for it in self.info.inputs:
            if it.name not in frame:
                raise RejectedInputError(it.name, f"the input {it.name} ({it.type}) is missing")
            values = np.asarray(frame[it.name])
            if values.ndim > 1 and values.size != len(values):
                raise RejectedInputError(
                    it.name, f"the input {it.name} has the shape {values.shape}, expected (N) or (N, 1)"
                )
            values = values.reshape(-1)
            quick = it.type in _REAL and values.dtype.kind in "fiu" and not self._domains[it.name].by_value
            made[it.name] = (
                self._domains[it.name].within(it, values.astype(np.float64))
                if quick
                else self._column(it, values.tolist())
            )
        if len({len(values) for values in made.values()}) > 1:
            raise RejectedInputError(self.info.inputs[0].name, "the inputs have different numbers of records")
        return made

    def run(self, frame: Frame) -> Outputs:
        """What the model computes, by the names of its outputs."""
        try:
            lacking = np.full(len(next(iter(frame.values()))), None, dtype=object)
            found = self._model.predict([frame.get(name, lacking) for name in self._model.inputs])
        except BadModelError as error:
            raise RejectedInputError("X", str(error)) from error
        return {output.name: values for output, values in zip(self._model.outputs, found, strict=True)}

    def results(self, outputs: Outputs) -> Sequence[Mapping[str, Any]]:
        """In the words of the task, and what the file's own outputs say beyond that."""
        return self._roles.results(outputs)


class _Roles:
    """Which output is what."""

    def __init__(self, model: JavaModel, info: ModelInfo) -> None:
        self._task = info.task
        target = info.targets[0] if info.targets else None
        self._target_type = target.type if target is not None else "string"
        outputs = model.outputs
        told = {one.feature: one.name for one in reversed(outputs)}  # the first of each
        self._value = told.get("predictedValue") or (
            (told.get("entityId") or told.get("clusterId")) if info.task is Task.CLUSTERING else None
        )
        wanted = "affinity" if info.task is Task.CLUSTERING else "probability"
        of_classes = [one for one in outputs if one.value is not None and wanted in one.feature.lower()]
        self._classes = [str(one.value) for one in of_classes]
        self._scores = [one.name for one in of_classes]
        self._confidence = next((one.name for one in outputs if one.feature == "confidence"), None)
        self._components = [one.name for one in outputs if one.feature == "transformedValue"]

    def results(self, outputs: Outputs) -> Sequence[Mapping[str, Any]]:
        task, value = self._task, self._value
        if task is Task.DIMENSION_REDUCTION:
            return tasks.components(np.stack([outputs[name] for name in self._components], axis=1))
        if value is None or task not in (Task.CLASSIFICATION, Task.REGRESSION, Task.CLUSTERING):
            return tasks.others(outputs)
        scores = np.stack([outputs[name] for name in self._scores], axis=1) if self._scores else None
        if task is Task.CLASSIFICATION:
            return tasks.classification(self._labels(outputs[value]), _shares(scores), self._classes)
        if task is Task.CLUSTERING:
            return tasks.clusters(outputs[value], scores, "affinities", self._classes)
        confidences = None if self._confidence is None else outputs[self._confidence]
        return tasks.predictions(_numbers(outputs[value]), confidences)

    def _labels(self, labels: Array) -> Array:
        """In the target's type: the engine has texts for classes, whatever they are."""
        if self._target_type in _WHOLE:
            return np.array([*(_whole(label) for label in labels), None], dtype=object)[:-1]
        return labels


def _is_number(variable: Variable) -> bool:
    return variable.type in _REAL or variable.type in _WHOLE or counts_time(variable.type)


def _time_of(kind: str) -> str:
    """A value of such a type, as one writes it."""
    if kind == "timeSeconds":
        return "23:59:00"
    return "2020-12-31" if kind.startswith("dateDays") else "2020-12-31T23:59:00"


def _shares(scores: Array | None) -> Array | None:
    """Probabilities; votes that are weighted are counted as such by the engine, and are shares of their sum here."""
    if scores is None:
        return None
    sums = scores.sum(axis=1, keepdims=True)
    shares: Array = np.where(sums > 1 + _ROUNDING, scores / np.where(sums > 0, sums, 1), scores)
    return shares


def _numbers(values: Array) -> Array:
    """Numbers, also where the file does not say that its output is one."""
    if values.dtype.kind != "O":
        return values
    try:
        return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
    except ValueError:
        return values


def _whole(label: Any) -> Any:
    try:
        return None if label is None else int(float(label))
    except (ValueError, OverflowError):
        return label


def _reals(variable: Variable, values: list[Any]) -> Array:
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        raise RejectedInputError(variable.name, f"X, {variable.name}: a whole number is too large") from None


def _ones(variable: Variable, count: int) -> Array:
    if _is_number(variable):
        first = variable.values[0] if variable.values and not counts_time(variable.type) else "1"
        return np.full(count, float(first), dtype=np.float64)
    first = variable.values[0] if variable.values else ""
    value: Any = first == "true" if variable.type == "boolean" else first
    return np.array([value] * count + [None], dtype=object)[:-1]
