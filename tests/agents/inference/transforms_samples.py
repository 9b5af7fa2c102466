"""What tests of transforms are made of."""

from dataclasses import replace
from typing import Any

import orjson

from schemas.inference import InferenceRequest, InferenceResult, StartTransform, TransformRecord
from streams.inference.state import TransformState
from tests.agents.bench import Worker
from tests.endpoints import endpoint

NAME, MODEL = "b1", "m1"
ENDPOINT = endpoint(MODEL)
START = StartTransform("c-1", NAME, MODEL, "/uploads/batch.jsonl", "/outputs/b1")


def line(*target: Any, **fields: Any) -> bytes:
    """One time series as a line of the input."""
    return orjson.dumps({"start": "2024-01-01", "target": target, **fields})


def store(state: Worker, *lines: bytes, end: bytes = b"\n", key: str = "uploads/batch.jsonl") -> None:
    """Put the input file into the object store."""
    state.runtime.store.put_bytes(key, b"\n".join(lines) + end)


async def command(state: Worker, *commands: Any, key: bytes = b"b1", **place: Any) -> list[Any]:
    """Let commands arrive."""
    topic = state.runtime.topics.transform_commands
    messages = [state.message(topic, key, one, **place) for one in commands]
    await state.consume(topic, *messages)
    return messages


def result(index: int, error: str | None = None, **fields: Any) -> InferenceResult:
    """The answer to a line."""
    made = InferenceResult(f"{NAME}:{index}", MODEL, transform=NAME, line=index, error=error)
    return made if error is not None else replace(made, mean=[float(index), 0.1], **fields)


async def results(state: Worker, topic: list[Any], *made: Any, key: bytes = b"b1") -> list[Any]:
    """Let results arrive as one batch."""
    name = state.runtime.topics.inference_results
    messages = [state.message(name, key, one) for one in made]
    topic += messages
    await state.consume(name, *messages)
    return messages


def row(state: Worker, name: bytes = b"b1") -> TransformRecord:
    """The job as the table has it."""
    found: TransformRecord | None = TransformState.of(state.runtime).transforms.get(name)
    assert found is not None
    return found


def asked(state: Worker) -> list[InferenceRequest]:
    """The requests that were sent."""
    return state.events(state.runtime.topics.inference_requests)


def output(state: Worker) -> bytes:
    """The output file."""
    read: bytes = state.runtime.store.read_bytes("outputs/b1/batch.jsonl.out")
    return read
