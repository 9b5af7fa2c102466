"""What a process makes of a piece: the model's results for each of its rows, kept as a part.

A part begins with a line that says how many rows it has; then come the rows. Made again, it is the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from agents.scoring.process import model_of
from agents.scoring_jobs.calls import Piece, Scored
from agents.scoring_jobs.rendering import ERROR, UNKNOWN, csv_cell, results_as_csv, results_as_json
from agents.scoring_jobs.tables import Errors, Rows, frame_of, rows_of
from connectors.objects.store import ObjectStore
from models.errors import RejectedInputError
from models.scoring.columns import columns_of, joined
from models.scoring.info import ScoringModel

__all__ = ["score"]

_BATCH: Final = 4096  # rows that a model computes at a time: more are no quicker, and take memory
_LONGEST_ERROR: Final = 300  # characters of what is wrong with a row
Frame = Mapping[str, npt.NDArray[Any]]


def score(piece: Piece) -> Scored:
    """1. read the rows, 2. let the model compute, 3. write the part; what is wrong with a row stands in that row."""
    store = ObjectStore(piece.store_url)
    model = model_of(piece.store_url, piece.model_key)
    if not model.batches:
        return Scored(error="the model does not answer record by record: its answers depend on what is asked together")
    with store.open(piece.source.key) as file:
        file.seek(piece.begin)
        data = file.read(piece.end - piece.begin)
    rows = rows_of(piece.source, data)
    errors: Errors = {}
    frame = frame_of(piece.source.inputs, rows, errors, missing=model.info.kind == "pmml")
    good = np.setdiff1d(np.arange(len(rows)), np.fromiter(errors, dtype=np.int64, count=len(errors)))
    if len(good) < len(rows):
        frame = {name: values[good] for name, values in frame.items()}
    results = _computed(model, frame, good, errors)
    columns = piece.columns or (tuple(results) if results else None)
    body = _body(piece, rows, results, columns, errors)
    told = {"rows": len(rows), "wrong": len(errors), "columns": columns}
    with store.streaming(piece.part_key) as part:
        part.write(orjson.dumps(told) + b"\n")
        part.writelines(body)
    return Scored(len(rows), len(errors), columns)


def _computed(model: ScoringModel, frame: Frame, good: npt.NDArray[np.int64], errors: Errors) -> dict[str, Any]:
    """The results of the rows that are right; those that the model refuses are noted, and no more among them."""
    made: list[Mapping[str, Any]] = []
    for begin in range(0, len(good), _BATCH):
        end = min(begin + _BATCH, len(good))
        made += _answers(model, frame, good, errors, begin, end)
    return joined(made)


def _answers(
    model: ScoringModel, frame: Frame, good: npt.NDArray[np.int64], errors: Errors, begin: int, end: int
) -> Iterator[Mapping[str, Any]]:
    """In halves, where the model refuses: so the rows that are wrong are found."""
    try:
        own = model.checked({name: values[begin:end] for name, values in frame.items()})
        outputs = model.run(own)
        in_columns = getattr(model, "columns", None)
        yield columns_of(model.results(outputs)) if in_columns is None else in_columns(outputs)
    except RejectedInputError as error:
        if end - begin == 1:
            errors[int(good[begin])] = error.message[:_LONGEST_ERROR]
            return
        middle = (begin + end) // 2
        yield from _answers(model, frame, good, errors, begin, middle)
        yield from _answers(model, frame, good, errors, middle, end)


def _body(
    piece: Piece, rows: Rows, results: Mapping[str, Any], columns: Sequence[str] | None, errors: Errors
) -> Iterator[bytes]:
    if piece.source.written == "jsonl":
        return _json_body(rows, results, columns or (), errors)
    return _csv_body(rows, results, columns, errors)


def _csv_body(rows: Rows, results: Mapping[str, Any], columns: Sequence[str] | None, errors: Errors) -> Iterator[bytes]:
    lines, right = rows.lines(), len(rows) - len(errors)
    cells = results_as_csv(results, columns or (), right)
    if not errors:
        yield b"".join([line + b"," + own + b",\n" for line, own in zip(lines, cells, strict=True)])
        return
    empty = UNKNOWN if columns is None else b"," * len(columns)
    own_cells = iter(cells)
    for place, line in enumerate(lines):
        wrong = errors.get(place)
        if wrong is None:
            yield line + b"," + next(own_cells) + b",\n"
        else:
            yield line + empty + b"," + csv_cell(wrong.encode("utf-8", "replace").replace(b"\n", b" ")) + b"\n"


def _json_body(rows: Rows, results: Mapping[str, Any], columns: Sequence[str], errors: Errors) -> Iterator[bytes]:
    own = results_as_json(results, columns, len(rows) - len(errors))
    for place, row in enumerate(rows.objects()):
        wrong = errors.get(place)
        made = next(own) if wrong is None else {ERROR: wrong}
        yield orjson.dumps(_beside(row, made), option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY) + b"\n"


def _beside(row: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its results; one that is called as a column of the row is told apart."""
    return {**row, **{f"{name}_scored" if name in row else name: value for name, value in made.items()}}
