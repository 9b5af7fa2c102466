"""ONNX models by onnxruntime: one thread each, because there are as many processes as cores."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
import onnxruntime

from models.errors import RejectedInputError
from models.scoring import columns, tasks
from models.scoring.arrays import TYPES, array_of, cast
from models.scoring.frames import columns_of
from models.scoring.info import Array, BadModelError, Frame, ModelInfo, Outputs, Task, Variable

__all__ = ["OnnxModel", "OutOfMemoryError", "variables_of"]

_PLACE: Final = re.compile(r"(?<= : )/\S+:\d+ .*?\) (?=[A-Z])")
"""Where in the engine's own source an error was raised, which says nothing to whoever sent the file."""
_ENGINE: Final = f"onnxruntime {onnxruntime.__version__}"
_ERRORS: Final = (RuntimeError, ValueError, TypeError, MemoryError)  # what the engine's own classes are made of


class OutOfMemoryError(RejectedInputError):
    """The engine was refused the memory that it asked for."""


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the engine's classes have no common one
        raise BadModelError(f"the model cannot be loaded by {_ENGINE}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    text = _PLACE.sub("", str(error).strip().partition("\n")[0].removeprefix("[ONNXRuntimeError] : "))
    return text[:300] or type(error).__name__


def variables_of(arguments: Sequence[Any]) -> tuple[Variable, ...]:
    """Inputs or outputs as a session tells of them."""
    return tuple(
        Variable(
            one.name, one.type, shape=tuple(size if isinstance(size, int) and size >= 0 else None for size in one.shape)
        )
        for one in arguments
    )


class OnnxModel:
    """A model and what `onnx_tasks.decided` says of it: which output is what."""

    def __init__(self, info: ModelInfo, session: onnxruntime.InferenceSession, plan: Mapping[str, Any]) -> None:
        self.info = info
        self._session = session
        self._plan = plan
        self._names = [it.name for it in info.inputs]
        self._outputs = [one.name for one in session.get_outputs()]
        firsts = {_first(it) for it in info.inputs}
        by_record = bool(info.inputs) and all(it.shape for it in info.inputs) and len(firsts) == 1
        self.batches = by_record and bool(plan.get("by_record", True))
        self._fixed = next(iter(firsts)) if self.batches else None

    @classmethod
    def load(cls, content: bytes, info: ModelInfo | None = None, plan: Mapping[str, Any] | None = None) -> Self:
        """Load what `onnx_file.parsed` has made of a file; BadModelError where the engine cannot."""
        session = _session(content)
        if info is None:
            inputs, outputs = variables_of(session.get_inputs()), variables_of(session.get_outputs())
            unknown = next((it for it in inputs if it.type not in TYPES), None)
            if unknown is not None:
                raise BadModelError(f"the input {unknown.name} is of type {unknown.type}, which cannot be sent")
            info = ModelInfo("onnx", Task.OTHER, "", _ENGINE, inputs, outputs)
        return cls(info, session, plan or {})

    def frame(self, content: Any) -> Frame:
        """What was sent, as arrays."""
        if not self.batches:
            return {it.name: array_of(it, self._whole(content, it), None) for it in self.info.inputs}
        columns = columns_of(content, self.info.inputs, lambda it: len(it.shape or ()))
        return {it.name: array_of(it, columns[it.name], 0) for it in self.info.inputs}

    def _whole(self, content: Any, variable: Variable) -> Any:
        x = content.get("X", content) if isinstance(content, Mapping) else None
        if not isinstance(x, Mapping) or variable.name not in x:
            text = f'the variable {variable.name} ({variable.type}) is missing: send {{"X": {{"{variable.name}": …}}}}'
            raise RejectedInputError(variable.name, f"X: {text}")
        return x[variable.name]

    def checked(self, frame: Frame) -> Frame:
        """The arrays in the model's types."""
        for it in self.info.inputs:
            if it.name not in frame:
                raise RejectedInputError(it.name, f"the input {it.name} ({it.type}) is missing")
        made = {it.name: cast(it, np.asarray(frame[it.name])) for it in self.info.inputs}
        if self.batches and len({len(one) for one in made.values()}) > 1:
            raise RejectedInputError(self._names[0], "the inputs have different numbers of records")
        return made

    def run(self, frame: Frame) -> Outputs:
        """What the model computes; one of a fixed number of records in pieces of so many."""
        count = len(next(iter(frame.values()))) if self.batches else 0
        if not self.batches or self._fixed is None or count == self._fixed:
            return dict(zip(self._outputs, self._ask(frame), strict=True))
        pieces = [self._ask(piece) for piece in _pieces(frame, count, self._fixed)]
        joined = [
            np.concatenate(parts)[:count] if np.ndim(parts[0]) else parts[0] for parts in zip(*pieces, strict=True)
        ]
        return dict(zip(self._outputs, joined, strict=True))

    def _ask(self, frame: Frame) -> list[Any]:
        try:
            found: list[Any] = self._session.run(None, dict(frame))
        except Exception as error:  # the engine's classes have no common one
            text = _first_line(error)
            if "alloc" in text:
                raise OutOfMemoryError("X", "the model takes too much memory for this: send fewer records") from error
            raise RejectedInputError("X", f"the model cannot compute with these values: {text}") from error
        return found

    def results(self, outputs: Outputs) -> Sequence[Mapping[str, Any]]:
        """In the words of the task; of a model that does not answer record by record, all outputs as one answer."""
        if not self.batches:
            return [{name: _whole_output(value) for name, value in outputs.items()}]
        told: Sequence[Mapping[str, Any]] = self._told(outputs, tasks)
        return told

    def columns(self, outputs: Outputs) -> dict[str, Any]:
        """The same as columns, for many records; only where it answers record by record."""
        told: dict[str, Any] = self._told(outputs, columns)
        return told

    def _told(self, outputs: Outputs, form: Any) -> Any:
        """`form` is a module with a function for each kind of answer."""
        if self.info.task is Task.CLASSIFICATION:
            return self._classes(outputs, form)
        if "label" in self._plan:
            return self._labelled(outputs[self._plan["label"]].reshape(-1), outputs, form)
        if "value" not in self._plan:
            return form.others({name: np.asarray(value) for name, value in outputs.items()})
        values = outputs[self._plan["value"]]
        if self.info.task is Task.DIMENSION_REDUCTION:
            return form.components(values)
        return form.predictions(values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values)

    def _labelled(self, labels: Array, outputs: Outputs, form: Any) -> Any:
        scores = outputs[self._plan["scores"]] if "scores" in self._plan else None
        if self.info.task is Task.ANOMALY_DETECTION and scores is not None:
            return form.anomalies(labels, scores)
        names = [] if scores is None else [str(index) for index in range(scores.shape[1])]
        return form.clusters(labels, scores, "distances", names)

    def _classes(self, outputs: Outputs, form: Any) -> Any:
        plan = self._plan
        scores = outputs[plan["scores"]] if "scores" in plan else None
        if scores is not None:
            scores = np.exp(scores) if plan.get("logarithms") else scores
            scores = scores.reshape(len(scores), -1)
        classes = plan.get("classes") or ([] if scores is None else list(range(scores.shape[1])))
        if "label" in plan:
            labels = outputs[plan["label"]].reshape(-1)
        else:
            assert scores is not None
            labels = np.asarray(classes, dtype=object)[scores.argmax(axis=1)]
        return form.classification(labels, scores, classes, probable=not plan.get("scores_only"))


def _whole_output(value: Any) -> Any:
    return tasks.plain(value) if isinstance(value, np.ndarray) else tasks.plain(np.asarray(value, dtype=object))


def _first(variable: Variable) -> int | None:
    return variable.shape[0] if variable.shape else None


def _pieces(frame: Frame, count: int, size: int) -> Iterator[Frame]:
    for begin in range(0, count, size):
        piece = {name: values[begin : begin + size] for name, values in frame.items()}
        lacking = size - min(size, count - begin)
        yield {
            name: np.concatenate([values, np.repeat(values[-1:], lacking, axis=0)]) if lacking else values
            for name, values in piece.items()
        }
