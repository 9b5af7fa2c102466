"""The input of a transform job, line by line, as the requests that it consists of."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import IO, Any, Final

from connectors.objects import endpoints
from connectors.objects.endpoints import Endpoint, UnknownEndpointError
from connectors.objects.layout import named
from connectors.objects.packed_files import BAD_GZIP, open_unpacked
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.deepar.config import DeepARConfig
from models.deepar.series import Series
from models.deepar.serving.inference_config import ConfigurationError, InferenceConfiguration, parse_text
from models.deepar.serving.instances import InstanceError, parse_instance, parse_line
from schemas.coding.codec import Codec
from schemas.inference import InferenceRequest, TransformRecord
from streams.settings import Settings

__all__ = ["InputError", "InputLines", "Line", "TransformInput"]

_BLOCK: Final = 256 * 1024  # bytes read at a time: a millisecond's work
_PART_BYTES: Final = 8 * 1024**2  # of the file in one part: some hundredths of a second
_RAW_LINES: Final = 10_000  # looked at in one part: likewise


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
                text = endpoint.environment.get("DEEPAR_INFERENCE_CONFIG", settings.deepar_inference_config)
            self._configuration = parse_text(text, max_samples=settings.max_num_samples)
            self._lines = InputLines(store, settings, record)
        except (UnknownEndpointError, ConfigurationError) as error:
            raise InputError(str(error)) from None
        self._config = _config_of(endpoint)
        self._index = 0

    def part(self, size: int) -> list[Line] | None:
        """Some of the next lines, `size` at most and none where only blank ones were found so far; None at the end.

        InputError where the file cannot be read.
        """
        found = self._lines.part(size)
        if found is None:
            return None
        first, self._index = self._index, self._index + len(found)
        return [self._line(index, number, line) for index, (number, line) in enumerate(found, first)]

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def _line(self, index: int, number: int, line: bytes | None) -> Line:
        try:
            if line is None:
                raise InstanceError("instance", f"it has more than {self._settings.record_limit} bytes")
            return Line(index, number, self._encoded(index, line))
        except InstanceError as error:
            return Line(index, number, None, str(error))

    def _encoded(self, index: int, line: bytes) -> bytes:
        fields: Any = parse_line(line)
        series = parse_instance(fields, self._config, lenient=self._settings.ignore_unknown_cat)
        request = self._codec.encode(_request(self._record, index, fields["start"], series, self._configuration))
        if len(request) > self._settings.record_limit:
            raise InstanceError("instance", f"it takes {len(request)} bytes, more than a record may have")
        return request


class InputLines:
    """The lines of a job's file that are not blank, in parts of bounded work: whatever the file holds, others go on.

    A gzip file of 94 KB can be a hundred million newlines, or one line of as many blanks. Called as TransformInput is.
    """

    def __init__(self, store: ObjectStore, settings: Settings, record: TransformRecord) -> None:
        """Open the file; InputError where there is none."""
        self._path = named(record.input_path)[1]
        self._longest = settings.record_limit
        self._limit = self._left = settings.max_transform_data_bytes
        self._file = _opened(store, record.input_path)
        self._number = 0
        self._lines: list[bytes | None] = []  # of the last block, in reverse; None for one that is too long
        self._begun = bytearray()  # of the line that the last block ends in
        self._too_long = False  # that line has more than the longest, and is read over
        self._ended = False

    def part(self, size: int) -> list[tuple[int, bytes | None]] | None:
        """The next lines with their numbers from 1, None for one that is too long (contract D-065); see TransformInput.

        It ends after `size` lines, `_RAW_LINES` blank ones or `_PART_BYTES` of the file, whichever comes first.
        """
        found: list[tuple[int, bytes | None]] = []
        looked, read = 0, 0
        while len(found) < size and looked < _RAW_LINES:
            if self._lines:
                line = self._lines.pop()
                self._number += 1
                looked += 1
                if line is None or line.strip():
                    found.append((self._number, line))
            elif self._ended:
                return found or None
            elif read < _PART_BYTES:
                read += self._read()
            else:
                break
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self) -> int:
        """Take the next block apart; how many bytes it has."""
        block = self._block()
        if not block:
            self._ended = True
            if self._too_long or self._begun:
                self._lines = [self._whole(b"")]
        elif (not self._begun or self._begun.isspace()) and not self._too_long and block.isspace():
            blank = block.count(b"\n")  # by the million, and without a look at each
            self._number += blank
            if blank:
                self._begun.clear()
            self._begin(block[block.rfind(b"\n") + 1 :])
        else:
            *lines, rest = block.split(b"\n")
            if lines:
                others = (line if len(line) <= self._longest else None for line in reversed(lines[1:]))
                self._lines = [*others, self._whole(lines[0])]
            self._begin(rest)
        return len(block)

    def _block(self) -> bytes:
        try:
            block = self._file.read(min(_BLOCK, self._left + 1))
        except BAD_GZIP as error:
            raise InputError(f"/{self._path} is no whole gzip file: {error}") from None
        self._left -= len(block)
        if self._left < 0:
            unpacked = " when unpacked" if self._path.endswith(".gz") else ""
            raise InputError(
                f"/{self._path} has more than {self._limit} bytes{unpacked}: split it into several files, or raise "
                "TIDECAST_MAX_TRANSFORM_DATA_BYTES"
            )
        return block

    def _whole(self, end: bytes) -> bytes | None:
        """The line that was begun with its end; None where it is too long."""
        line = None if self._too_long or len(self._begun) + len(end) > self._longest else bytes(self._begun) + end
        self._begun.clear()
        self._too_long = False
        return line

    def _begin(self, start: bytes) -> None:
        """Keep the start of a line, or more of it, until its end comes."""
        if not self._too_long:
            self._begun += start
        if len(self._begun) > self._longest:
            self._too_long = True
            self._begun.clear()


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
        return open_unpacked(store, key)
    except ObjectNotFoundError:
        raise InputError(f"there is no file /{named(key)[1]}") from None
