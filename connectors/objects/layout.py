"""The folders at the top of the object store, what lies in each, and who may read and write there.

Keys are made with these folders and nowhere spelt otherwise. What a request or a command names is checked against them:
anything but what users may name is the service's own, and would be read out in error texts, or written over.

What users of a project name lies below a folder of the project's: `in_project` makes the key of what they write, and
`named` what they write of the key.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

__all__ = [
    "CHECKPOINTS",
    "DATASETS",
    "DATASET_NAMES",
    "ENDPOINTS",
    "FOLDERS",
    "IDEMPOTENCY",
    "INCOMING",
    "INSTALLATION",
    "MODELS",
    "OUTPUTS",
    "PRODUCER",
    "PROJECTS",
    "SCORING_MODELS",
    "SCORING_RUNS",
    "SCRIPTS",
    "SPLITS",
    "TRAINING",
    "TRIES",
    "UPLOADS",
    "Folder",
    "Who",
    "folder_of",
    "in_project",
    "is_own",
    "may_read",
    "may_write",
    "named",
    "readable",
    "writable",
]


class Who(IntEnum):
    """Who names an object. Each may name what those before it may."""

    USER = 1
    """In a request, or in a command that says the same."""
    PRODUCER = 2
    """A program that reaches the store itself, and tells by AddDataset which file it has put there."""
    SERVICE = 3
    """The service's own code."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder at the top of the store, and the least of those who may name what lies there."""

    name: str
    reads: Who = Who.SERVICE
    writes: Who = Who.SERVICE

    def key(self, *parts: object) -> str:
        """The key of what lies there under these names."""
        return "/".join((self.name, *map(str, parts)))

    def __contains__(self, key: str) -> bool:
        return key.partition("/")[0] == self.name


UPLOADS: Final = Folder("uploads", Who.USER, Who.USER)
"""What was PUT at the address of the same name."""
OUTPUTS: Final = Folder("outputs", Who.USER, Who.USER)
"""What transform jobs made; read at the address of the same name."""
PRODUCER: Final = Folder("producer", Who.PRODUCER, Who.PRODUCER)
"""Files that producers put into the store themselves."""
INCOMING: Final = Folder("incoming")
"""Uploads of data sets until their command is applied; see `connectors.datasets.incoming`."""
DATASETS: Final = Folder("datasets")
"""Data sets and their manifests."""
DATASET_NAMES: Final = Folder("dataset-names")
"""Notes of which data set's file is read under which name."""
SPLITS: Final = Folder("splits")
"""The series of forecasting jobs."""
MODELS: Final = Folder("models")
"""Trained models of forecasting jobs."""
CHECKPOINTS: Final = Folder("checkpoints")
"""How far trainings have come, and how they ended."""
TRAINING: Final = Folder("training")
"""Logs of versions of training jobs, and notes of their runs."""
ENDPOINTS: Final = Folder("endpoints")
"""Models that are served, with their manifests."""
SCORING_MODELS: Final = Folder("scoring-models")
"""PMML and ONNX models of users, with their manifests."""
SCRIPTS: Final = Folder("scripts")
"""Scripts that score data sets."""
SCORING_RUNS: Final = Folder("scoring-runs")
"""How far runs of such scripts are."""
IDEMPOTENCY: Final = Folder("idempotency")
"""Notes of Idempotency-Keys."""
TRIES: Final = Folder("tries")
"""Notes of how often messages have failed."""
INSTALLATION: Final = Folder("installation")
"""What all workers of an installation have to agree on: its topics, the ids of its schemas."""
PROJECTS: Final = Folder("project-files")
"""What users of projects name, but for those of the default project, in a folder of each; no `projects`: users have
such folders below the data root."""

FOLDERS: Final = (
    UPLOADS,
    OUTPUTS,
    PRODUCER,
    INCOMING,
    DATASETS,
    DATASET_NAMES,
    SPLITS,
    MODELS,
    CHECKPOINTS,
    TRAINING,
    ENDPOINTS,
    SCORING_MODELS,
    SCRIPTS,
    SCORING_RUNS,
    IDEMPOTENCY,
    TRIES,
    INSTALLATION,
    PROJECTS,
)
"""All that there are."""
_BY_NAME: Final = {folder.name: folder for folder in FOLDERS}


def in_project(project: str, key: str) -> str:
    """The key of what users of a project name so; those of the default project, whose id is empty, name the key."""
    return PROJECTS.key(project, key) if project else key


def named(key: str) -> tuple[str, str]:
    """The project that an object is of, and how its users name it."""
    if key in PROJECTS:
        _, project, *parts = key.split("/", 2)
        return project, "".join(parts)
    return "", key


def folder_of(key: str) -> Folder | None:
    """The folder that an object lies in; None where it is none of the service's doing."""
    return _BY_NAME.get(key.partition("/")[0])


def may_read(who: Who, key: str) -> bool:
    """Whether who names this key may have it read."""
    folder = folder_of(key)
    return folder is not None and who >= folder.reads


def may_write(who: Who, key: str) -> bool:
    """Whether who names this key may have something written there."""
    folder = folder_of(key)
    return folder is not None and who >= folder.writes


def is_own(key: str) -> bool:
    """Whether the key lies where the service alone reads and writes."""
    folder = folder_of(key)
    return folder is not None and folder.reads == folder.writes == Who.SERVICE


def readable(who: Who) -> list[str]:
    """The names of the folders whose files may be named to be read, for words."""
    return [folder.name for folder in FOLDERS if who >= folder.reads]


def writable(who: Who) -> list[str]:
    """The names of the folders in which files may be named to be written, for words."""
    return [folder.name for folder in FOLDERS if who >= folder.writes]
