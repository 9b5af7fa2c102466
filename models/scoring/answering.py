"""Calls of one model, answered together: what was sent as JSON in, the answers of contract S-046 as JSON out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from models.errors import RejectedInputError
from models.json_words import BadJsonError, read_json
from models.scoring.info import Frame, ScoringModel, length_of

__all__ = ["Answer", "answer", "answer_frames"]

_OPTIONS: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The JSON of an answer and how many records it is of; else what is wrong, and with which variable."""

    content: bytes = b""
    records: int = 0
    error: str | None = None
    field: str | None = None


def answer(model: ScoringModel, calls: Sequence[bytes]) -> list[Answer]:
    """The answer to each call, in their order; one that cannot be read or computed does not touch the others."""
    return answer_frames(model, [_frame(model, call) for call in calls])


def answer_frames(model: ScoringModel, frames: Sequence[Frame | RejectedInputError]) -> list[Answer]:
    """The same for calls that have been read, or could not be. What goes together is computed together."""
    good = [frame for frame in frames if not isinstance(frame, RejectedInputError)]
    try:
        made = iter(_results(model, good))
    except RejectedInputError as error:
        alone = [_refused(error)] if len(good) == 1 else [answer_frames(model, [frame])[0] for frame in good]
        made = iter(alone)
    return [_refused(frame) if isinstance(frame, RejectedInputError) else next(made) for frame in frames]


def _frame(model: ScoringModel, call: bytes) -> Frame | RejectedInputError:
    try:
        return model.frame(read_json(call))
    except BadJsonError as error:
        return RejectedInputError("body", f"body, {error}")
    except RejectedInputError as error:
        return error


def _results(model: ScoringModel, frames: Sequence[Frame]) -> Iterator[Answer]:
    """RejectedInputError where the model cannot compute with one of them."""
    if not model.batches or len(frames) == 1:
        results = [model.results(model.run(frame)) for frame in frames]
        return (_answered(model, result) for result in results)
    if not frames:
        return iter(())
    together = {name: np.concatenate([frame[name] for frame in frames]) for name in frames[0]}
    joined = model.results(model.run(together))
    return _parted(model, joined, [length_of(frame) for frame in frames])


def _parted(model: ScoringModel, results: Sequence[Any], lengths: Sequence[int]) -> Iterator[Answer]:
    begin = 0
    for length in lengths:
        yield _answered(model, results[begin : begin + length])
        begin += length


def _answered(model: ScoringModel, results: Sequence[Any]) -> Answer:
    content = {"status": True, "task": model.info.task, "result": results}
    return Answer(orjson.dumps(content, option=_OPTIONS), len(results))


def _refused(error: RejectedInputError) -> Answer:
    return Answer(error=error.message, field=error.field)
