"""Scripts in the object store (contract S-091): what each scores, with which model, and the program that says so."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from connectors.datasets import manifests as datasets
from connectors.objects import scoring_models
from connectors.objects.keys import BadKeyError
from connectors.objects.layout import SCORING_MODELS, SCRIPTS, in_project
from connectors.objects.scoring_models import UnknownModelError
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from streams.access.names import project_of, scoped, shown
from streams.checks import invalid_field
from streams.codes.scoring_jobs import ScoringJobsCode
from streams.errors import Code, ConflictError, InvalidError, NotFoundError

__all__ = ["Script", "check_datasets", "delete", "keep", "load", "model_for", "unknown_dataset"]

_READ: Final = ("csv", "json", "jsonl", "ndjson")


@dataclass(frozen=True, slots=True)
class Script:
    """One script: `code` is its text."""

    file_name: str
    ext: str
    input_dataset: str
    output_dataset: str
    model_name: str
    code: str


def keep(store: ObjectStore, script: Script, project: str) -> None:
    """Store it for the project, in place of one of the same name."""
    content = json.dumps(asdict(script), ensure_ascii=False).encode("utf-8", "surrogatepass")
    store.put_bytes(_key(project, script.file_name, script.ext), content)


def load(store: ObjectStore, file_name: str, ext: str, project: str) -> Script:
    """The project's script of this name and suffix, which the name may have already; RejectedError 400 (S-100)."""
    bare = file_name.removesuffix(ext) or file_name
    for name in dict.fromkeys((bare, file_name)):
        with suppress(ObjectNotFoundError, BadKeyError):
            return Script(**json.loads(store.read_bytes(_key(project, name, ext))))
    text = f"fileName: there is no script {bare[:80]}{ext[:20]}: POST /generate-script first"
    raise InvalidError(ScoringJobsCode.UNKNOWN_SCRIPT, text)


def delete(store: ObjectStore, file_name: str, ext: str, project: str) -> None:
    """Remove it; nothing there is no error."""
    store.delete(_key(project, file_name, ext))


def model_for(store: ObjectStore, name: str, project: str) -> Mapping[str, Any]:
    """What is known of the project's model, with the name that it has there.

    Without a name, of the one uploaded or tested last (S-091). RejectedError 404.
    """
    found = _model_for(store, name, project)
    return {**found, "name": shown(found["name"])}


def _model_for(store: ObjectStore, name: str, project: str) -> Mapping[str, Any]:
    if not name:
        tested, at = scoring_models.last_tested(store, project)
        models = (it for it in _models(store) if project_of(it["name"]) == project)
        newest = max(models, key=lambda it: max(it["created"], at * (it["name"] == tested)), default=None)
        if newest is None:
            text = "modelName: there is no model yet: POST /model-upload first"
            raise NotFoundError(ScoringJobsCode.UNKNOWN_MODEL, text)
        return newest
    try:
        return scoring_models.manifest(store, scoped(project, name))
    except UnknownModelError:
        text = f"modelName: there is no model {name[:80]!r}; GET /model-info lists those there are"
        raise NotFoundError(ScoringJobsCode.UNKNOWN_MODEL, text) from None


def _models(store: ObjectStore) -> Iterator[Mapping[str, Any]]:
    for key in store.keys(SCORING_MODELS.name):
        folder, _, name = key.rpartition("/")
        if name == "model.json":
            with suppress(UnknownModelError):
                yield scoring_models.manifest(store, folder.rpartition("/m-")[2])


def check_datasets(store: ObjectStore, input_dataset: str, output_dataset: str, project: str) -> datasets.Dataset:
    """What is to be read; RejectedError where there is none, it cannot be read, or what is written is somebody's."""
    found = _named(store, input_dataset, project)
    if found is None:
        raise unknown_dataset(input_dataset)
    if found.kind not in _READ:
        text = f"is a {found.kind} file, and only {', '.join(_READ)} can be scored"
        raise invalid_field("inputDataset", f"{input_dataset[:80]} {text}")
    if datasets.kind_of(output_dataset) not in _WRITTEN:
        text = f"found {output_dataset[:80]!r}, expected a name that ends in .csv, or in .jsonl"
        raise invalid_field("outputDataset", text)
    there = _named(store, output_dataset, project)
    if there is not None and not there.made_by:
        text = f"outputDataset: there is a data set {output_dataset} that no run has made: use another name"
        raise ConflictError(Code.NAME_TAKEN, text)
    return found


def unknown_dataset(name: str) -> NotFoundError:
    """What to raise where there is no such data set."""
    text = f"inputDataset: there is no data set {name[:80]!r}; GET /dataset-info lists those there are"
    return NotFoundError(ScoringJobsCode.UNKNOWN_DATASET, text)


_WRITTEN: Final[Sequence[str]] = ("csv", "jsonl")


def _named(store: ObjectStore, name: str, project: str) -> datasets.Dataset | None:
    try:
        return datasets.of_upload(store, name, project)
    except BadKeyError:
        return None


def _key(project: str, file_name: str, ext: str) -> str:
    return in_project(project, SCRIPTS.key(f"s-{file_name}{ext}"))
