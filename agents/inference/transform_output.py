"""The output of a transform job: its results, read again from their topic and written in the order of the lines."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final, cast

import numpy as np
import orjson

from connectors.kafka.topic_reader import read_partition
from connectors.objects.store import ObjectStore
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.inference import InferenceResult, TransformRecord

__all__ = ["ResultsLostError", "check_result", "output_line", "write_output"]

_SEPARATORS: Final = {"Line": b"\n", "None": b""}  # contract D-058: None joins all objects on one line


class ResultsLostError(Exception):
    """Results are no longer in their topic; the text is the job's reason of failure."""


def write_output(
    store: ObjectStore, codec: Codec, record: TransformRecord, *, bootstrap: str, topic: str, partition: int
) -> None:
    """Write the output file of a job whose lines are all answered, as a whole or not at all; again comes to the same.

    Only what arrived before its turn is kept in memory. To be called in a thread.
    """
    separator = _SEPARATORS[record.assemble_with]
    waiting: dict[int, bytes] = {}
    due = 0
    with store.streaming(record.output_key) as target:
        if record.lines:
            found = read_partition(bootstrap, topic, partition, record.first_offset)
            with closing(cast("Any", found)):
                for line, content in _rendered(codec, record, found):
                    if line >= due:  # of repeats the first counts, as all are the same
                        waiting.setdefault(line, content)
                    while due in waiting:
                        target.write(waiting.pop(due) + separator)
                        due += 1
                    if due == record.lines:
                        break
        if due < record.lines:
            raise ResultsLostError(
                f"the result of line {due} of {record.lines} (from 0, blank lines not counted) is no longer kept: "
                "start the job again, or raise TIDECAST_EVENT_RETENTION_DAYS"
            )


def _rendered(codec: Codec, record: TransformRecord, found: Iterator[Any]) -> Iterator[tuple[int, bytes]]:
    """Line and output of each of the job's results."""
    key = record.name.encode()
    for stored in found:
        if stored.key != key:
            continue
        try:
            result = codec.decode(stored.value)
            if isinstance(result, InferenceResult):
                check_result(result)
        except UndecodableError:  # a dead letter by now
            continue
        if isinstance(result, InferenceResult) and result.transform == record.name and result.line < record.lines:
            yield result.line, output_line(result)


def check_result(result: InferenceResult) -> None:
    """UndecodableError where no line can be made of the result, which only a foreign producer can have made.

    The line waits for its true result then.
    """
    if len({len(sample) for sample in result.samples or ()}) > 1:
        raise UndecodableError("samples: are not all of one length")
    if result.line < 0:
        raise UndecodableError(f"line: is {result.line}, expected 0 or more")


def output_line(result: InferenceResult) -> bytes:
    """The JSON object of a result, as an element of `predictions` in an answer of its endpoint (contract D-056)."""
    if result.error is not None:
        return orjson.dumps({"error": result.error})
    shown: dict[str, Any] = {}
    if result.quantiles is not None:
        shown["quantiles"] = {level: _numbers(values) for level, values in result.quantiles.items()}
    if result.samples is not None:
        shown["samples"] = _numbers(result.samples)
    if result.mean is not None:
        shown["mean"] = _numbers(result.mean)
    return orjson.dumps(shown, option=orjson.OPT_SERIALIZE_NUMPY)


def _numbers(values: Any) -> Any:
    """As the model computes them: its float32 numbers have half the digits of the doubles that they travel as."""
    return np.asarray(values, np.float32)
