"""A new data set under a name of its own: `/add-dataset` (contract S-081, S-082)."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile

from connectors.csv_files.inspection import BadDatasetError
from connectors.datasets import manifests as datasets
from connectors.datasets.incoming import incoming_key
from connectors.datasets.remote import AllowedHosts, ForbiddenAddressError, RemoteFileError, fetch
from connectors.objects.store import ObjectStore
from schemas.datasets import AddDataset
from streams.access.caller import caller
from streams.checks import invalid_field
from streams.codes.scoring_jobs import ScoringJobsCode
from streams.errors import Code, ConflictError, InvalidError, TooLargeError, UnsupportedError
from streams.quotas.state import Quotas
from streams.runtime import StateRuntime
from streams.views.web.answers import json_response
from streams.views.web.commands import IdempotencyKey, command_id_of, send_command
from streams.views.web.creations import create_once
from streams.views.web.door import BodyLimit, Door, Owned, Tag
from streams.views.web.files import digest_of, plain_name, store_upload
from streams.views.web.model_service import MODEL_SERVICE, ActionReply
from streams.views.web.reading import ForgivingRoute, State, content_type, has_body

__all__ = ["DATASETS", "DOOR"]

_FORM = 64 * 1024  # bytes of boundaries and text fields around a file
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_PREFIXES = ("/add-dataset", "/api/v1/add-dataset")

DATASETS = Tag("data sets by name", "Files that are scored; the same data sets as those of /data/.")

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=_PREFIXES,
    tag=DATASETS,
    envelope=MODEL_SERVICE,
    owner=lambda _: Owned(None, in_tables=False, minted=True),
    slash=False,
    apart=True,
    body_limit=BodyLimit("max_upload_bytes", around=_FORM),
)


async def _sent_as_form(request: Request) -> None:
    kind = content_type(request)
    if has_body(request) and kind not in _FORMS:
        text = f"Content-Type is {kind or 'missing'}: send multipart/form-data with the file in the field file"
        raise UnsupportedError(Code.UNSUPPORTED_MEDIA_TYPE, text)


@router.post(_PREFIXES[1], include_in_schema=False, name="add_named_dataset_v1", dependencies=[Depends(_sent_as_form)])
@router.post(
    _PREFIXES[0],
    summary="Add a data set under a name",
    response_model=ActionReply,
    responses=MODEL_SERVICE.responses(400, 408, 409, 413, 415, 429, 503, 507),
    dependencies=[Depends(_sent_as_form)],
)
async def add_named_dataset(
    state: State,
    request: Request,
    file: Annotated[UploadFile | None, File(description="The file, where dataSource is local.")] = None,
    data_source: Annotated[str, Form(alias="dataSource", description="local, or remote.")] = "local",
    file_name: Annotated[
        str | None,
        Form(
            alias="fileName",
            description="Its name, unique: 1 to 64 of A-Z a-z 0-9 _ - and . (absent: the file's own). Where dataSource "
            "is remote, its address, whose last part is the name.",
        ),
    ] = None,
    key: IdempotencyKey = None,
) -> Response:
    """`data.status` is true when the data set can be read. CSV files are checked; any other is kept as it is."""
    if data_source not in datasets.SOURCES:
        raise invalid_field("dataSource", f"found {data_source[:40]!r}, expected {' or '.join(datasets.SOURCES)}")
    if file is not None and not file.filename and not file.size:
        file = None  # a form of a browser has an empty part where no file was chosen
    name = _name(data_source, file, file_name)
    if key is None:  # else what has the name may be what an earlier try has added
        await asyncio.to_thread(_check_free, state.store, name)
        sent = 0 if file is None else file.size or 0
        await Quotas.of(state).check_storage(caller().project, datasets=1, stored_bytes=sent)
    size = None if file is None else file.size
    if size is not None and size > state.settings.max_upload_bytes:
        raise _too_large(size, state.settings.max_upload_bytes)
    digest = None if key is None or file is None else await state.files.whole(size, digest_of, file)
    command_id = command_id_of(request, key, f"{data_source} {file_name} {name} {digest}".encode())

    async def create(data_id: int) -> Response:
        incoming = incoming_key()
        if file is None:
            await _fetch(state, str(file_name), incoming)
        else:
            await state.files.whole(size, store_upload, state.store, incoming, file)
        plain = plain_name(name)
        kind = datasets.kind_of(name if "." in name or file is None else file.filename or "")
        command = AddDataset(command_id, data_id, plain, incoming, name, kind=kind, source=data_source, alone=True)
        command = replace(command, project=caller().project)
        await send_command(state, state.topics.dataset_commands, data_id, command)
        return json_response({"data": {"status": True}})

    return await create_once(state, request, command_id, create, is_there=partial(datasets.is_there, state.store))


def _name(source: str, file: UploadFile | None, given: str | None) -> str:
    """The data set's name; RejectedError where it cannot be one, or the file is missing."""
    if source == "remote":
        if file is not None:
            raise invalid_field("file", "is not taken where dataSource is remote: leave it out, or send local")
        if not given:
            raise invalid_field("fileName", "is missing: where dataSource is remote, it is the file's address")
        name = datasets.safe_file_name(unquote(urlsplit(given).path).rstrip("/"))[-64:].lstrip(".-")
    else:
        if file is None:
            raise invalid_field("file", "is missing: send the file, or dataSource remote with its address as fileName")
        name = given or datasets.safe_file_name(file.filename or "")
    try:
        datasets.check_file_name(name)
    except BadDatasetError as error:
        raise InvalidError(Code.INVALID_NAME, str(error)) from None
    return name


def _check_free(store: ObjectStore, name: str) -> None:
    """What is refused here need not be uploaded once more; its command is checked again."""
    if datasets.of_upload(store, name, caller().project) is not None:
        text = f"fileName: there is a data set {name} already: use another name, or delete that one first"
        raise ConflictError(Code.NAME_TAKEN, text)


async def _fetch(state: StateRuntime, url: str, key: str) -> None:
    """Put the file of another host into the store."""
    hosts = AllowedHosts(state.settings.remote_dataset_hosts)
    most, within_s = state.settings.max_upload_bytes, state.settings.remote_dataset_timeout_s
    try:
        hosts.check(url)
        with TemporaryDirectory(prefix="tidecast-") as folder:
            file = Path(folder) / "file"
            size = await fetch(url, file, hosts, most_bytes=most, within_s=within_s)
            if size > most:
                raise _too_large(size, most)
            await state.files.whole(size, state.store.put_file, key, file)
    except ForbiddenAddressError as error:
        text = f"fileName: {error}; whoever runs the service can allow hosts by TIDECAST_REMOTE_DATASET_HOSTS"
        raise InvalidError(ScoringJobsCode.REMOTE_FORBIDDEN, text) from None
    except RemoteFileError as error:
        raise InvalidError(ScoringJobsCode.REMOTE_FAILED, f"fileName: {error}") from None


def _too_large(size: int, most: int) -> TooLargeError:
    text = f"file: has {size} bytes or more, at most {most} are accepted: send less, or raise TIDECAST_MAX_UPLOAD_BYTES"
    return TooLargeError(Code.TOO_LARGE, text)
