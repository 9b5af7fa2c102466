"""Datasets in the object store: ``datasets/<data_id>/<safe file name>`` and beside it ``dataset.json``, the manifest.

The manifest is written last and removed first, so a dataset exists exactly when its manifest does.
"""

import json
import re
import unicodedata
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Final

from connectors.csv_files.dialect import RFC4180, Dialect, facts_of
from connectors.csv_files.inspection import BadDatasetError, Cell, CsvFacts, OpenCsv
from connectors.datasets import names as dataset_names
from connectors.objects.layout import DATASETS, UPLOADS, named
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = [
    "MANIFEST",
    "SOURCES",
    "Dataset",
    "Origin",
    "UnknownDatasetError",
    "check_file_name",
    "check_name",
    "delete",
    "is_there",
    "kind_of",
    "list_all",
    "load",
    "of_upload",
    "register",
    "safe_file_name",
    "stored_key",
    "unread",
]

_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,32}")  # J-031
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # S-008
_TABLES: Final = (".csv", ".tsv", ".tab", ".txt", "")
MANIFEST: Final = "dataset.json"
_UPLOADS: Final = f"/{UPLOADS.name}/"
_TEXT: Final = "=text"  # a folder; no stored file name has such a sign
_LONGEST_STEM, _LONGEST_SUFFIX = 88, 10  # at most 100 characters with the dot
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)  # no names on Windows


class UnknownDatasetError(LookupError):
    """No dataset has this id."""

    def __init__(self, data_id: int) -> None:
        super().__init__(f"there is no dataset {data_id}; GET /data/ lists those there are")
        self.data_id = data_id


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a file beside its content: see `Dataset`. ``alone``: no other may have its name (S-008)."""

    kind: str = "csv"
    source: str = "local"
    made_by: str = ""
    command: tuple[str, str] = ("", "")
    alone: bool = False
    project: str = ""


SOURCES: Final = ("local", "remote")
"""What a data set's `source` can be (S-085)."""
_UPLOADED: Final = Origin()


@dataclass(frozen=True, slots=True)
class Dataset:
    """One uploaded file and its preview (J-030 to J-040).

    ``time_created`` is ISO-8601 with microseconds and offset, ``upload`` is ``/uploads/<stored file name>``,
    ``file_name`` the uploader's own name for it (text to show, never a path), ``path`` the object's key, ``heads`` the
    first rows by label. ``dialect`` says how it is written, ``warnings`` what of it can be read in two ways, and
    ``text`` is the key of its text in UTF-8 where the file itself is in another form. ``command`` is the id of the
    command that added it and the digest of what that said, empty where they were not kept.

    ``kind`` is ``csv`` for what was read as a table, else the suffix of a file kept as it is, without a preview.
    ``source`` says where it came from (S-085), ``made_by`` which scoring job has written it, ``project`` whose it is;
    empty: the default project's. ``series_labels`` are columns of the file that were series (see `CsvFacts`).
    """

    data_id: int
    name: str
    uuid: str
    time_created: str
    upload: str
    related_user: int
    file_name: str
    path: str
    header: tuple[str, ...]
    heads: Mapping[str, tuple[Cell, ...]]
    rows: int
    bytes: int
    dialect: Dialect = RFC4180
    warnings: tuple[str, ...] = ()
    text: str | None = None
    command: tuple[str, str] = ("", "")
    kind: str = "csv"
    source: str = "local"
    made_by: str = ""
    project: str = ""
    series_labels: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Its name as other systems know it: the last part of ``upload``."""
        return self.upload.removeprefix(_UPLOADS)

    @property
    def text_path(self) -> str:
        """The key of the file's text, as readers of its rows take it."""
        return self.text or self.path


def check_name(name: str) -> None:
    """Refuse a name that is not 1 to 32 of ``[A-Za-z0-9_]`` (J-031, J-043) with BadDatasetError."""
    if not _NAME.fullmatch(name):
        raise BadDatasetError("bad_name", "name: use 1 to 32 letters, digits and underscores (A-Z, a-z, 0-9, _)")


def check_file_name(name: str) -> None:
    """Refuse a name that not every file system takes as it stands, with BadDatasetError (S-008)."""
    if not _FILE_NAME.fullmatch(name) or safe_file_name(name) != name:
        text = "expected 1 to 64 of A-Z a-z 0-9 _ - and . that begin and end with none of the last two"
        raise BadDatasetError("bad_name", f"fileName: found {name[:80]!r}, {text}")


def kind_of(file_name: str) -> str:
    """What a file is by its suffix: ``csv`` for tables, whatever parts their cells; else the suffix, in small letters.

    A name without one is taken for a table's.
    """
    suffixes = PurePath(file_name.lower()).suffixes
    packed = suffixes[-1:] in ([".gz"], [".zip"])
    suffix = suffixes[-2 if packed else -1] if len(suffixes) > packed else ""
    if suffix in _TABLES:
        return "csv"
    return suffixes[-1].removeprefix(".")[:_LONGEST_SUFFIX]


def unread(path: Path) -> OpenCsv:
    """A file that is kept as it is: only its size is known."""
    return OpenCsv(path, path, CsvFacts((), {}, 0, path.stat().st_size))


def safe_file_name(original: str) -> str:
    """A name of at most 100 of ``[A-Za-z0-9._-]`` that any file system takes, close to the original's last part."""
    last = re.split(r"[/\\]", original)[-1]
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", plain)
    stem, dot, suffix = plain.rpartition(".") if "." in plain else (plain, "", "")
    stem = stem.lstrip(".-") if stem.strip("_.-") else "upload"
    name = (stem[:_LONGEST_STEM] + dot + suffix[:_LONGEST_SUFFIX]).rstrip(".")
    return f"_{name}" if _DEVICES.fullmatch(name) or name.lower() == MANIFEST else name


def register(
    store: ObjectStore,
    table: OpenCsv,
    *,
    data_id: int,
    name: str,
    file_name: str,
    related_user: int,
    time_created: datetime,
    origin: Origin = _UPLOADED,
) -> Dataset:
    """Keep a copy of a checked file, and of its text where that is another; on failure the id stands for what it did.

    ``time_created`` must be aware. Raises BadDatasetError for the name, NameTakenError where the
    name must be the file's alone and is not, OSError where the store cannot take the file.
    """
    from connectors.csv_files.date_warnings import dates_in_two_ways  # noqa: PLC0415 - pandas: who reads needs none

    check_name(name)
    if time_created.tzinfo is None:
        raise ValueError("time_created needs an offset")
    facts = table.facts
    stored = safe_file_name(file_name)
    known = store.exists(_manifest(data_id))
    claim = dataset_names.claim_alone if origin.alone else dataset_names.claim
    upload = claim(store, stored, data_id, table.path, origin.project)
    text = None if table.text == table.path else f"{DATASETS.key(data_id)}/{_TEXT}/{stored}"
    dataset = Dataset(
        data_id=data_id,
        name=name,
        uuid=str(uuid.uuid4()),
        time_created=time_created.isoformat(timespec="microseconds"),
        upload=f"{_UPLOADS}{upload}",
        related_user=related_user,
        file_name=file_name.encode("utf-8", "replace").decode("utf-8"),
        path=f"{DATASETS.key(data_id)}/{stored}",
        header=facts.header,
        heads=facts.heads,
        rows=facts.rows,
        bytes=facts.bytes,
        dialect=facts.dialect,
        warnings=(*facts.warnings, *(dates_in_two_ways(table) if facts.header else ())),
        text=text,
        command=origin.command,
        kind=origin.kind,
        source=origin.source,
        made_by=origin.made_by,
        project=origin.project,
        series_labels=facts.series_labels,
    )
    fields = asdict(dataset) | {"dialect": facts_of(dataset.dialect)}
    for field in ("project", "series_labels"):
        if not fields[field]:  # releases before there was such a field read it, too; so they do the dialect
            del fields[field]
    try:
        store.put_file(dataset.path, table.path)
        if text is not None:
            store.put_file(text, table.text)
        store.put_bytes(_manifest(data_id), json.dumps(fields, ensure_ascii=False).encode())
    except BaseException:
        if not known:
            store.delete(DATASETS.key(data_id))
            dataset_names.release(store, upload, data_id, origin.project)
        raise
    return dataset


def load(store: ObjectStore, data_id: int, project: str | None = None) -> Dataset:
    """The dataset with this id, of a `project` only its own; UnknownDatasetError if there is none."""
    try:
        fields = json.loads(store.read_bytes(_manifest(data_id)))
    except ObjectNotFoundError as error:
        raise UnknownDatasetError(data_id) from error
    if project is not None and fields.get("project", "") != project:
        raise UnknownDatasetError(data_id)
    fields |= {name: tuple(fields.get(name, ())) for name in ("header", "series_labels")}
    fields["heads"] = {label: tuple(cells) for label, cells in fields["heads"].items()}
    fields["command"] = tuple(fields.get("command", ("", "")))
    if "dialect" in fields:  # older manifests have none: their files are as RFC 4180 says
        dialect = fields["dialect"]
        lists = {name: tuple(value) for name, value in dialect.items() if isinstance(value, list)}
        fields["dialect"] = Dialect(**{**dialect, **lists})
        fields["warnings"] = tuple(fields["warnings"])
    return Dataset(**fields)


def is_there(store: ObjectStore, data_id: int) -> bool:
    """Whether there is a dataset with this id, whosever it is."""
    return store.exists(_manifest(data_id))


def list_all(store: ObjectStore) -> list[Dataset]:
    """All datasets by ascending id; one that is deleted meanwhile may be missing."""
    ids = (re.fullmatch(DATASETS.key("([0-9]+)", re.escape(MANIFEST)), key) for key in store.keys(DATASETS.name))
    found = []
    for data_id in sorted(int(match[1]) for match in ids if match):
        with suppress(UnknownDatasetError):
            found.append(load(store, data_id))
    return found


def delete(store: ObjectStore, data_id: int) -> None:
    """Remove the dataset and its file; UnknownDatasetError if there is none."""
    dataset = load(store, data_id)
    store.delete(_manifest(data_id))
    dataset_names.release(store, dataset.file, data_id, dataset.project)
    store.delete(DATASETS.key(data_id))


def of_upload(store: ObjectStore, name: str, project: str = "") -> Dataset | None:
    """The project's data set whose file is read at ``/uploads/<name>``; of several with the same content the first."""
    if "/" in name:
        return None
    for data_id in dataset_names.claimants(store, name, project):
        with suppress(UnknownDatasetError):
            dataset = load(store, data_id)
            if (dataset.project, dataset.upload) == (project, f"{_UPLOADS}{name}"):
                return dataset
    return None


def stored_key(store: ObjectStore, key: str) -> str:
    """Where the object of a key lies: there, or where it is the ``upload`` of a data set, with that (S-087)."""
    project, path = named(key)
    folder, _, name = path.partition("/")
    dataset = of_upload(store, name, project) if folder == UPLOADS.name and name and not store.exists(key) else None
    return key if dataset is None else dataset.text_path


def _manifest(data_id: int) -> str:
    return DATASETS.key(data_id, MANIFEST)
