"""What a run reads, and how far an earlier attempt has come with it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Literal

import orjson

from agents.scoring_jobs.calls import MakeLines, Source
from connectors.csv_files.pieces import begin_of_rows
from connectors.datasets import manifests as datasets
from connectors.datasets.manifests import Dataset
from connectors.datasets.number_formats import number_formats
from connectors.objects.layout import OUTPUTS, SCORING_RUNS, in_project
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.json_words import without_mark
from schemas.scoring_jobs import ScoreDataset
from streams.access.names import project_of
from streams.errors import RejectedError
from streams.scoring_jobs import scripts
from streams.scoring_jobs.inputs import InputsError, inputs_of, is_number, number_columns, read_as_numbers

__all__ = ["FailedRunError", "Part", "Prepared", "done_key", "forget", "part_key", "parts_of", "prepared", "result_key"]

_LARGEST_JSON: Final = 256 * 1024**2  # bytes of one array, which is read whole
_FIRST_LINE: Final = 1 << 20


class FailedRunError(Exception):
    """The run has come to its end without a result; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Part:
    """Scored rows between two places of the source, as they lie in the store."""

    key: str
    begin: int
    end: int
    rows: int
    wrong: int
    columns: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What there is to do: the source from `begin` to `end`, with this model; `folder` is for the parts.

    `lines` has to be made first, where there is one.
    """

    source: Source
    model_key: str
    begin: int
    end: int
    folder: str
    lines: MakeLines | None = None


def prepared(store: ObjectStore, store_url: str, command: ScoreDataset) -> Prepared:
    """FailedRunError where there is nothing that could be scored."""
    try:
        project = project_of(command.job_name)
        dataset = scripts.check_datasets(store, command.input_dataset, command.output_dataset, project)
        model = scripts.model_for(store, command.model_name, project)
    except RejectedError as error:
        raise FailedRunError(error.message) from None
    # Parts of another data set or model that had the name are none of these.
    version = blake2b(f"{dataset.uuid} {model['model_key']}".encode(), digest_size=8).hexdigest()
    folder = SCORING_RUNS.key(command.run_id, version)
    written: Literal["csv", "jsonl"] = "csv" if datasets.kind_of(command.output_dataset) == "csv" else "jsonl"
    try:
        if dataset.kind == "csv":
            return _table(store, dataset, model, written, folder)
        return _lines(store, store_url, dataset, model, written, folder)
    except InputsError as error:
        raise FailedRunError(f"inputDataset: {error}") from None
    except ObjectNotFoundError:
        raise FailedRunError(f"inputDataset: {command.input_dataset} was removed while it was read") from None


def _table(
    store: ObjectStore, dataset: Dataset, model: Mapping[str, Any], written: Literal["csv", "jsonl"], folder: str
) -> Prepared:
    numbers = number_columns(dataset.heads, dataset.dialect)
    inputs = inputs_of(model["inputs"], dataset.header, [name for name in dataset.header if name in numbers])
    formats = number_formats(store, dataset, read_as_numbers(inputs))
    source = Source(dataset.text_path, "csv", written, dataset.header, dataset.dialect, inputs, formats)
    with store.open(source.key) as file:
        begin = begin_of_rows(file, dataset.dialect)
    return Prepared(source, model["model_key"], begin, store.size(source.key), folder)


def _lines(
    store: ObjectStore,
    store_url: str,
    dataset: Dataset,
    model: Mapping[str, Any],
    written: Literal["csv", "jsonl"],
    folder: str,
) -> Prepared:
    key, lines = dataset.path, None
    if dataset.kind == "json":
        if dataset.bytes > _LARGEST_JSON:
            raise InputsError(f"a JSON file of {dataset.bytes} bytes is too large: make JSON lines of it")
        key = f"{folder}/lines"
        if not store.is_file(key):
            return Prepared(
                Source(key, "jsonl", written, (), dataset.dialect, ()),
                model["model_key"],
                0,
                0,
                folder,
                MakeLines(store_url, dataset.path, key),
            )
    first: Any = None
    with store.open(key) as file, suppress(orjson.JSONDecodeError):
        while line := file.readline(_FIRST_LINE):
            if line.strip():
                first = orjson.loads(without_mark(line))
                break
    if not isinstance(first, dict) or not first:
        raise InputsError("its first line is no JSON object with the model's variables")
    numbers = [name for name, value in first.items() if is_number(value)]
    inputs = inputs_of(model["inputs"], tuple(first), numbers, nested=True)
    source = Source(key, "jsonl", written, tuple(first), dataset.dialect, inputs)
    return Prepared(source, model["model_key"], 0, store.size(key), folder, lines)


def part_key(folder: str, begin: int, end: int) -> str:
    """Where the part between two places lies."""
    return f"{folder}/parts/{begin:015d}-{end:015d}"


def parts_of(store: ObjectStore, plan: Prepared) -> list[Part]:
    """The parts that earlier attempts have made, as far as none is missing."""
    begins: dict[int, tuple[int, str]] = {}
    for key in store.keys(f"{plan.folder}/parts"):
        of, _, until = key.rpartition("/")[2].partition("-")
        begins[int(of)] = max((int(until), key), begins.get(int(of), (0, "")))
    found, place = [], plan.begin
    while place in begins:
        end, key = begins[place]
        with store.open(key) as file:
            told = orjson.loads(file.readline())
        columns = None if told["columns"] is None else tuple(told["columns"])
        found.append(Part(key, place, end, told["rows"], told["wrong"], columns))
        place = end
    return found


def result_key(job_name: str, run_id: str, output_dataset: str) -> str:
    """Where a run's own result lies, which later runs of the job leave alone."""
    return f"{_results(job_name, run_id)}/{output_dataset}"


def _results(job_name: str, run_id: str) -> str:
    return in_project(project_of(job_name), OUTPUTS.key("runs", run_id))


def done_key(run_id: str) -> str:
    """The note that a run has its result."""
    return SCORING_RUNS.key(run_id, "done.json")


def forget(store: ObjectStore, job_name: str, run_id: str, *, result: bool) -> None:
    """Remove what is kept of how far a job's run is, and its result."""
    store.delete(SCORING_RUNS.key(run_id))
    if result:
        store.delete(_results(job_name, run_id))
