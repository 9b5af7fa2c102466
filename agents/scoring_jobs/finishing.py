"""The end of a run: its parts become its result, and the result the job's output data set."""

import random
import re
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import IO, Any, Final

import orjson

from agents.scoring_jobs.calls import Finish, Finished, MakeLines
from agents.scoring_jobs.rendering import ERROR, UNKNOWN, csv_line
from connectors.csv_files.inspection import BadDatasetError, opened_csv
from connectors.datasets import manifests as datasets
from connectors.datasets.manifests import Origin
from connectors.datasets.names import NameTakenError
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.json_words import without_mark
from streams.access.names import project_of, shown

__all__ = ["finish", "make_lines"]

_BLOCK: Final = 1 << 20
_TRIES: Final = 40
_AGAIN_S: Final = 0.1  # to keep a data set takes less


def finish(call: Finish) -> Finished:
    """1. put the parts together, 2. keep them as the data set. Done again, it comes to the same."""
    store = ObjectStore(call.store_url)
    with store.writing(call.result_key) as path:
        with path.open("wb") as target:
            if call.source.written == "csv":
                target.write(_header(call))
            for part in call.parts:
                with store.open(part) as file:
                    _copy(file, target, len(call.columns))
        try:
            _register_in_turn(store, call, path)
        except NameTakenError as error:
            return Finished(f"outputDataset: {error}")
        except BadDatasetError as error:
            return Finished(f"outputDataset: {error}")
    return Finished()


def _header(call: Finish) -> bytes:
    """The input's columns, those of the results, and the one for errors; names that are taken are told apart."""
    names = list(call.source.header)
    for name in (*call.columns, ERROR):
        names.append(f"{name}_scored" if name in names else name)
    return csv_line(names) + b"\n"


def _copy(file: IO[bytes], target: IO[bytes], columns: int) -> None:
    told = orjson.loads(file.readline())
    unknown = told["columns"] is None
    while block := file.read(_BLOCK):
        target.write(block.replace(UNKNOWN, b"," * columns) if unknown else block)


def _register_in_turn(store: ObjectStore, call: Finish, path: Path) -> None:
    """Runs of one job may end together: who finds the name taken by another one's result replaces that in turn."""
    for left in reversed(range(_TRIES)):
        try:
            _register(store, call, path)
        except (NameTakenError, ObjectNotFoundError, datasets.UnknownDatasetError):  # or another removes it just now
            there = datasets.of_upload(store, call.output_dataset, project_of(call.job_name))
            if not left or (there is not None and not there.made_by):
                raise
            time.sleep(random.uniform(0.5, 1.5) * _AGAIN_S)  # noqa: S311 - no secret: not all at once again
        else:
            return


def _register(store: ObjectStore, call: Finish, path: Path) -> None:
    """One that a run has made is replaced, and keeps its id."""
    project = project_of(call.job_name)
    there = datasets.of_upload(store, call.output_dataset, project)
    if there is not None and not there.made_by:
        raise NameTakenError(call.output_dataset)
    kind = datasets.kind_of(call.output_dataset)
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", PurePath(call.output_dataset).stem)[:32].strip("_") or "scored"
    if there is not None:
        datasets.delete(store, there.data_id)  # its name is claimed by its content
    with ExitStack() as stack:
        table = stack.enter_context(opened_csv(path)) if kind == "csv" else datasets.unread(path)
        datasets.register(
            store,
            table,
            data_id=call.output_id if there is None else there.data_id,
            name=plain,
            file_name=call.output_dataset,
            related_user=1,
            time_created=datetime.now(UTC),
            origin=Origin(
                kind=kind, made_by=shown(call.job_name), command=(call.run_id, ""), alone=True, project=project
            ),
        )


def make_lines(call: MakeLines) -> Finished:
    """Each element of the array becomes a line."""
    store = ObjectStore(call.store_url)
    try:
        found: Any = orjson.loads(without_mark(store.read_bytes(call.key)))
    except orjson.JSONDecodeError as error:
        return Finished(f"inputDataset: is no JSON: {error}")
    elements = found if isinstance(found, list) else [found]
    with store.streaming(call.lines_key) as target:
        target.writelines(orjson.dumps(element) + b"\n" for element in elements)
    return Finished()
