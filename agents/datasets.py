"""Registers and removes data sets. Content and manifest live in the object store, where every worker reads them."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from faust.agents import Agent

from connectors.csv_files.dialect import DialectSettings
from connectors.csv_files.inspection import BadDatasetError, OpenCsv
from connectors.csv_files.text import FIRST_BYTES, MOST_UNPACKED, is_compressed
from connectors.datasets import manifests as datasets
from connectors.datasets.incoming import is_incoming
from connectors.datasets.manifests import SOURCES, Origin
from connectors.datasets.names import NameTakenError, release
from connectors.objects import layout
from connectors.objects.keys import BadKeyError
from connectors.objects.layout import Who
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from connectors.wide_files.reading import opened_table
from schemas.datasets import AddDataset, DeleteDataset
from streams.checks import check_id, check_key, invalid_field
from streams.codes.forecasting import ForecastingCode
from streams.command_edge import CommandTopic, handle_command, tell_given_up
from streams.engine.agents import agent_on
from streams.engine.transport import batches
from streams.engine.tries import GivenUpError, tried
from streams.errors import Code, ConflictError, InvalidError, NotFoundError, RejectedError, TooLargeError, TooManyError
from streams.messages import Event
from streams.quotas.state import Quotas
from streams.repeats import check_repeat, digest_of
from streams.runtime import StateRuntime
from streams.telemetry.tracing import following

__all__ = ["apply_command", "attach"]

_KIND: Final = re.compile("[a-z0-9]{1,10}")


def attach(state: StateRuntime) -> Agent:
    """Register `register_datasets` on the state's app."""
    app, topics = state.app, state.topics

    @agent_on(app, topics.dataset_commands, "register_datasets")
    async def register_datasets(stream: Any) -> None:
        """Apply every command once; what cannot be applied goes back to its sender or to the dead letters."""
        async for events in batches(app, stream):
            state.metrics.observe_batch("register_datasets", len(events))
            for event in events:
                with following(event.message, "register_datasets"):
                    handle, ended = partial(_handle, state, event), partial(_refuse, state)
                    await tried(state, "register_datasets", event, handle, ended)

    return register_datasets


async def _refuse(state: StateRuntime, event: Event, error: GivenUpError) -> None:
    """1. tell the sender of a command that is given up, 2. remove what it would have taken: upload and name."""
    command = await tell_given_up(state, event, error)
    await asyncio.to_thread(_clear, state.store, command)
    if isinstance(command, AddDataset) and command.alone:
        with suppress(BadKeyError):  # else nobody could have the name that it did not come to
            await asyncio.to_thread(release, state.store, command.file_name, command.data_id, command.project)


async def _handle(state: StateRuntime, event: Event) -> None:
    """1. apply the command, 2. remove the upload that it took, 3. tell the sender."""
    await handle_command(state, _TOPIC, event, partial(_apply, state, event))


async def _apply(state: StateRuntime, event: Event, command: AddDataset | DeleteDataset) -> datasets.Dataset | None:
    """Where the project has room for it; what is there already needs none."""
    at = datetime.fromtimestamp(event.message.timestamp, UTC)
    size, stored, known = await asyncio.to_thread(_facts_of, state.store, command)
    apply = partial(
        state.files.whole, size, _apply_and_clear, state.store, command, at, state.settings.max_upload_bytes
    )
    quotas = Quotas.of(state)
    if isinstance(command, DeleteDataset) or known is not None:
        done = await apply()
        if isinstance(command, DeleteDataset) and known is not None:
            quotas.removed(known.project, datasets=1, stored_bytes=known.bytes)
        return done
    try:
        async with quotas.storage(command.project, datasets=1, stored_bytes=stored):
            return await apply()
    except TooManyError:
        await asyncio.to_thread(_clear, state.store, command)
        raise


def _check_key(command: AddDataset | DeleteDataset, key: bytes | None) -> None:
    check_key("data_id", command.data_id, key)


# Every worker sees the object store: whoever gets a command applies it.
_TOPIC = CommandTopic("data set commands", (AddDataset, DeleteDataset), _check_key, moves=False)


def _facts_of(
    store: ObjectStore, command: AddDataset | DeleteDataset
) -> tuple[int | None, int, datasets.Dataset | None]:
    """Bytes to read of the command's file, None where it is compressed; those that it has; the data set that is there.

    They are 0 where none are to be read.
    """
    known = _known(store, command.data_id)
    if not isinstance(command, AddDataset):
        return 0, 0, known
    try:
        with store.open(_key(command)) as file:
            packed = is_compressed(file.read(FIRST_BYTES))
        size = store.size(_key(command))
    except (BadKeyError, ObjectNotFoundError):
        return 0, 0, known
    return None if packed else size, size, known


def _apply_and_clear(
    store: ObjectStore, command: AddDataset | DeleteDataset, at: datetime, max_bytes: int
) -> datasets.Dataset | None:
    """An upload stays where something unexpected happened: the next try needs it."""
    try:
        added = apply_command(store, command, at, max_bytes=max_bytes)
    except RejectedError:
        _clear(store, command)
        raise
    _clear(store, command)
    return added


def _clear(store: ObjectStore, command: AddDataset | DeleteDataset) -> None:
    if isinstance(command, AddDataset) and is_incoming(command.path):
        with suppress(BadKeyError):
            store.delete(command.path)


def apply_command(
    store: ObjectStore, command: AddDataset | DeleteDataset, at: datetime, *, max_bytes: int = MOST_UNPACKED
) -> datasets.Dataset | None:
    """The data set that was added (or was there already), None where one was removed; RejectedError if refused.

    `max_bytes` limits what a compressed file may hold.
    """
    check_id("data_id", command.data_id)
    known = _known(store, command.data_id)
    if isinstance(command, DeleteDataset) and known is not None and known.project != command.project:
        raise _unknown(command.data_id)  # nobody is told of what is another project's
    digest = _digest(command)
    made_by, content = ("", "") if known is None else known.command
    if made_by == command.command_id:
        check_repeat(command, content, f"data set {command.data_id}", digest)
    if isinstance(command, DeleteDataset):
        try:
            datasets.delete(store, command.data_id)
        except datasets.UnknownDatasetError:
            raise _unknown(command.data_id) from None
        return None
    if known is not None:
        if made_by not in ("", command.command_id):
            text = f"data_id: data set {command.data_id} exists already: delete it first, or choose another data_id"
            raise ConflictError(ForecastingCode.DATASET_EXISTS, text)
        return known  # a repeated command changes nothing
    return _add(store, command, digest, at, max_bytes)


def _add(store: ObjectStore, command: AddDataset, digest: str, at: datetime, max_bytes: int) -> datasets.Dataset:
    if not (layout.may_read(Who.PRODUCER, command.path) or is_incoming(command.path)):
        places = ", ".join(f"{folder}/" for folder in layout.readable(Who.PRODUCER))
        text = f"path: found {command.path[:200]!r}, expected one of a file in {places} of the object store"
        raise InvalidError(Code.UNKNOWN_PATH, text)
    try:
        with store.local_file(_key(command)) as file, _read(command, file, max_bytes) as table:
            return datasets.register(
                store,
                table,
                data_id=command.data_id,
                name=command.name,
                file_name=command.file_name,
                related_user=command.related_user,
                time_created=at,
                origin=_origin(command, digest),
            )
    except NameTakenError as error:
        text = f"fileName: {error}: use another name, or delete that one first"
        raise ConflictError(Code.NAME_TAKEN, text) from None
    except BadDatasetError as error:
        refused = TooLargeError if error.code == Code.TOO_LARGE else InvalidError
        raise refused(error.code, str(error)) from None
    except BadKeyError as error:
        raise InvalidError(Code.UNKNOWN_PATH, f"path: {error}") from None
    except (ObjectNotFoundError, FileNotFoundError):  # the latter: removed while it was read
        text = f"path: there is no object {command.path}: put the file into the object store first"
        raise InvalidError(Code.UNKNOWN_PATH, text) from None


@contextmanager
def _read(command: AddDataset, file: Path, max_bytes: int) -> Iterator[OpenCsv]:
    """What is known of the file: of a table all that its preview shows, of any other its size."""
    if command.kind == "csv":
        with opened_table(file, _settings(command), max_bytes=max_bytes) as table:
            yield table
        return
    whole = datasets.unread(file)
    if whole.facts.bytes > max_bytes:
        text = f"the file has {whole.facts.bytes} bytes, at most {max_bytes} are accepted"
        raise TooLargeError(Code.TOO_LARGE, f"{text}: send less, or raise TIDECAST_MAX_UPLOAD_BYTES")
    yield whole


def _origin(command: AddDataset, digest: str) -> Origin:
    if not _KIND.fullmatch(command.kind):
        raise invalid_field("kind", f"found {command.kind[:40]!r}, expected csv, or a suffix such as jsonl")
    if command.source not in SOURCES:
        raise invalid_field("source", f"found {command.source[:40]!r}, expected {' or '.join(SOURCES)}")
    if command.alone:
        datasets.check_file_name(command.file_name)
    told = command.command_id, digest
    return Origin(kind=command.kind, source=command.source, command=told, alone=command.alone, project=command.project)


def _key(command: AddDataset) -> str:
    """Of the command's file: what producers of a project put into the store lies where its other files do."""
    return command.path if is_incoming(command.path) else layout.in_project(command.project, command.path)


def _unknown(data_id: int) -> RejectedError:
    return NotFoundError(ForecastingCode.UNKNOWN_DATASET, str(datasets.UnknownDatasetError(data_id)))


def _known(store: ObjectStore, data_id: int) -> datasets.Dataset | None:
    try:
        return datasets.load(store, data_id)
    except datasets.UnknownDatasetError:
        return None


def _digest(command: AddDataset | DeleteDataset) -> str:
    """Without an upload's place: each try of a request leaves its own, and its command's id stands for the file."""
    if isinstance(command, AddDataset) and is_incoming(command.path):
        command = replace(command, path="")
    return digest_of(command)


def _settings(command: AddDataset) -> DialectSettings:
    return DialectSettings(**{field.name: getattr(command, field.name) for field in fields(DialectSettings)})
