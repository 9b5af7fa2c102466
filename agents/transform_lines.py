"""The input of a transform job, line by line, as the requests that it consists of."""

import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import IO, Any, Final, cast

from connectors import endpoints
from connectors.endpoints import Endpoint, UnknownEndpointError
from connectors.object_store import ObjectNotFoundError, ObjectStore
from models.deepar.config import DeepARConfig
from models.deepar.configuration import ConfigurationError, InferenceConfiguration, parse_text
from models.deepar.instances import InstanceError, parse_instance, parse_line
from models.deepar.series import Series
from schemas.codec import Codec
from schemas.commands import InferenceRequest
from schemas.records import TransformRecord
from streams.settings import Settings

__all__ = ["InputError", "Line", "TransformInput", "line_number"]

_BAD_GZIP: Final = (gzip.BadGzipFile, EOFError, zlib.error)


class InputError(Exception):
    """A transform job cannot be begun or go on; the text is its reason of failure."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank: which of those it is, from 0, and which line of the file, from 1.

    `request` is the encoded InferenceRequest; where the line is wrong it is None, and `error` says why.
    """

    index: int
    number: int
    request: bytes | None
    error: str | None = None


class TransformInput:
    """Reads a job's file in parts. All calls block, and can come from different threads, one at a time."""

    def __init__(self, store: ObjectStore, codec: Codec, settings: Settings, record: TransformRecord) -> None:
        """Load what the requests depend on; InputError where the endpoint, the configuration or the file is wrong."""
        self._codec = codec
        self._settings = settings
        self._record = record
        try:
            endpoint = endpoints.load(store, record.model_name)
            text = record.inference_config
            if text is None:
                text = endpoint.environment.get("DEEPAR_INFERENCE_CONFIG")
            self._configuration = parse_text(text, max_samples=settings.max_num_samples)
            self._file = _opened(store, record.input_path)
        except (UnknownEndpointError, ConfigurationError) as error:
            raise InputError(str(error)) from None
        self._config = _config_of(endpoint)
        self._lines = self._read()

    def part(self, size: int) -> list[Line]:
        """The next lines, `size` of them at most; none at the end. InputError where the file cannot be read."""
        try:
            return list(islice(self._lines, size))
        except _BAD_GZIP as error:
            raise InputError(f"/{self._record.input_path} is no whole gzip file: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
        self._file.close()

    def _read(self) -> Generator[Line, None, None]:
        for index, (number, line) in enumerate(_numbered(self._file, self._settings.record_limit)):
            try:
                if line is None:
                    raise InstanceError("instance", f"it has more than {self._settings.record_limit} bytes")
                yield Line(index, number, self._encoded(index, line))
            except InstanceError as error:
                yield Line(index, number, None, str(error))

    def _encoded(self, index: int, line: bytes) -> bytes:
        fields: Any = parse_line(line)
        series = parse_instance(fields, self._config, lenient=self._settings.ignore_unknown_cat)
        request = self._codec.encode(_request(self._record, index, fields["start"], series, self._configuration))
        if len(request) > self._settings.record_limit:
            raise InstanceError("instance", f"it takes {len(request)} bytes, more than a record may have")
        return request


def line_number(store: ObjectStore, record: TransformRecord, index: int, longest: int) -> int:
    """Which line of the file, from 1, is the one with this index among those that are not blank."""
    try:
        with closing(_opened(store, record.input_path)) as file:
            return next(islice(_numbered(file, longest), index, None), (index + 1, None))[0]
    except (InputError, *_BAD_GZIP):  # the file has gone meanwhile: right unless blank lines came before
        return index + 1


def _request(
    record: TransformRecord, index: int, start: str, series: Series, asked: InferenceConfiguration
) -> InferenceRequest:
    seed = None
    if asked.seed is not None:  # else the request's id is the seed; the same for all lines would draw alike for all
        seed = int.from_bytes(blake2b(b"%d:%d" % (asked.seed, index), digest_size=8).digest()) >> 1
    return InferenceRequest(
        request_id=f"{record.name}:{index}",
        endpoint=record.model_name,
        start=start,
        target=[None if value != value else value for value in series.target.tolist()],  # noqa: PLR0124  # NaN
        cat=series.cat or None,
        dynamic_feat=None if series.feat is None else series.feat.tolist(),
        num_samples=asked.num_samples,
        output_types=asked.output_types,
        quantiles=asked.quantiles,
        seed=seed,
        transform=record.name,
        line=index,
    )


def _config_of(endpoint: Endpoint) -> DeepARConfig:
    return DeepARConfig(
        time_freq=endpoint.time_freq,
        prediction_length=endpoint.prediction_length,
        context_length=endpoint.context_length,
        likelihood=endpoint.likelihood,
        cardinality=endpoint.cardinality or (),
        num_dynamic_feat=endpoint.num_dynamic_feat,
    )


def _opened(store: ObjectStore, key: str) -> IO[bytes]:
    try:
        file = store.open(key)
    except ObjectNotFoundError:
        raise InputError(f"there is no file /{key}") from None
    return cast("IO[bytes]", gzip.open(file)) if key.endswith(".gz") else file


def _numbered(file: IO[bytes], longest: int) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not blank with their numbers, None for one that is too long (contract D-065)."""
    number = 0
    while line := file.readline(longest + 1):
        number += 1
        if len(line) > longest:
            while line and not line.endswith(b"\n"):
                line = file.readline(longest + 1)
            yield number, None
        elif line.strip():
            yield number, line
