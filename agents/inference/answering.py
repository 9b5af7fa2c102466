"""The trainer's answers to inference requests: every one gets exactly one InferenceResult, a forecast or an error."""

import asyncio
import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from faust.agents import Agent

from connectors.kafka.publisher import Headers, Record
from connectors.objects.endpoints import UnknownEndpointError
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.inference import InferenceRequest, InferenceResult
from schemas.series import Forecast
from streams.access.names import project_of, shown
from streams.checks import check_text
from streams.engine.agents import agent_on
from streams.engine.transport import open_batches
from streams.engine.tries import GivenUpError, work_on
from streams.errors import RejectedError
from streams.inference.calls import InferenceCall, InferenceError, InstanceForecast
from streams.inference.state import InferenceProcesses
from streams.messages import Event, Message
from streams.runtime import TrainerRuntime
from streams.telemetry.tracing import batch_of, trace_headers

__all__ = ["attach"]

_TOGETHER = 64  # requests that are acknowledged together: twice what a process computes together
_OPEN_BATCHES = 16  # enough for every core to have work, few enough to start again after a crash


def attach(runtime: TrainerRuntime) -> Agent:
    """Register `answer_requests` on the trainer's app."""
    app = runtime.app

    @agent_on(app, runtime.topics.inference_requests, "answer_requests")
    async def answer_requests(stream: Any) -> None:
        """Answer batches: 1. compute, 2. publish, 3. acknowledge the input once the broker has the output."""
        answering: set[asyncio.Future[None]] = set()
        try:
            async for batch in open_batches(app, stream, _TOGETHER, max_open=_OPEN_BATCHES):

                def answer(events: Sequence[Event]) -> asyncio.Future[None]:
                    task = asyncio.ensure_future(_answer(runtime, [event.message for event in events]))
                    answering.add(task)
                    task.add_done_callback(answering.discard)
                    return task

                work_on(runtime, "answer_requests", batch, answer, partial(_refuse, runtime))
        finally:
            for task in answering:  # what nobody will acknowledge need not be computed
                task.cancel()

    return answer_requests


async def _refuse(runtime: TrainerRuntime, event: Event, error: GivenUpError) -> None:
    """Answer a request that is given up with an error."""
    request = _request(runtime.codec, event.message.value)
    result = InferenceResult(
        request.request_id, request.endpoint, error=error.message, transform=request.transform, line=request.line
    )
    await runtime.publisher.send([_result_record(runtime, result)])


async def _answer(runtime: TrainerRuntime, messages: Sequence[Message]) -> None:
    with batch_of("answer_requests", messages):
        letters, requests = await asyncio.to_thread(_read, runtime, messages)
        answers = await asyncio.gather(*(_answer_one(runtime, request) for request, _ in requests))
        records = await asyncio.to_thread(_written, runtime, answers, [headers for _, headers in requests])
        await runtime.publisher.send([*letters, *records])


def _read(
    runtime: TrainerRuntime, messages: Sequence[Message]
) -> tuple[list[Record], list[tuple[InferenceRequest, Headers]]]:
    """Dead letters of what is no request, and the requests with the headers of their traces."""
    letters: list[Record] = []
    requests: list[tuple[InferenceRequest, Headers]] = []
    for message in messages:
        try:
            request = _request(runtime.codec, message.value)
            check_text("request_id", request.request_id)
            check_text("endpoint", request.endpoint)
            check_text("transform", request.transform or "")
            requests.append((request, trace_headers(message)))
        except (UndecodableError, RejectedError) as error:
            letters.append(runtime.dead_letter(message, error))
    return letters, requests


def _request(codec: Codec, value: bytes | None) -> InferenceRequest:
    event = codec.decode(value)
    if not isinstance(event, InferenceRequest):
        raise UndecodableError(f"a {type(event).__name__} on the topic of InferenceRequest commands")
    return event


async def _answer_one(runtime: TrainerRuntime, request: InferenceRequest) -> tuple[InferenceResult, Forecast | None]:
    """The result, and where the request names a series its forecast too. Trouble that is not the request's raises."""
    result = InferenceResult(request.request_id, request.endpoint, transform=request.transform, line=request.line)
    try:
        reply = await InferenceProcesses.of(runtime).endpoints.ask(
            request.endpoint, InferenceCall(_fields(request), "instance"), patient=True
        )
        if reply.forecast is None:
            return replace(result, error=reply.error or f"the model failed with status {reply.status}"), None
    except UnknownEndpointError as error:
        return replace(result, error=str(error)), None
    except InferenceError as error:
        return replace(result, error=error.message), None
    found = reply.forecast
    result = replace(
        result,
        timestamps=found.timestamps,
        mean=found.mean if _wants(request, "mean") else None,
        quantiles=found.quantiles,
        samples=found.samples,
    )
    return result, None if request.ts_id is None else _forecast(request, request.ts_id, found)


def _fields(request: InferenceRequest) -> dict[str, Any]:
    """The request as an instance of contract D-010 … D-018."""
    fields: dict[str, Any] = {
        "start": request.start,
        "target": [None if value is None or math.isnan(value) else value for value in request.target],
    }
    if request.cat is not None:
        fields["cat"] = list(request.cat)
    if request.dynamic_feat is not None:
        fields["dynamic_feat"] = [list(row) for row in request.dynamic_feat]
    # Without a seed of its own a request has one all the same: a repeat after a crash gives the same numbers.
    seed = int.from_bytes(hashlib.blake2b(request.request_id.encode(), digest_size=8).digest()) >> 1
    configuration: dict[str, Any] = {"seed": seed if request.seed is None else request.seed}
    if request.num_samples is not None:
        configuration["num_samples"] = request.num_samples
    if request.output_types is not None:
        # A forecast of a series always has its mean.
        more = [] if request.ts_id is None or _wants(request, "mean") else ["mean"]
        configuration["output_types"] = [*request.output_types, *more]
    if request.quantiles is not None:
        configuration["quantiles"] = list(request.quantiles)
    return {**fields, "configuration": configuration}


def _wants(request: InferenceRequest, output: str) -> bool:
    """Whether an output was asked for; mean and quantiles are, where nothing is said (contract D-050)."""
    return output in (("mean", "quantiles") if request.output_types is None else request.output_types)


def _forecast(request: InferenceRequest, ts_id: int, found: InstanceForecast) -> Forecast:
    return Forecast(
        job_id=0,
        ts_id=ts_id,
        n=0,
        item_id=request.request_id,
        model_name=shown(request.endpoint),
        cutoff=found.cutoff,
        timestamps=found.timestamps,
        mean=found.mean or (),
        quantiles=found.quantiles or {},
        project=project_of(request.endpoint),
    )


def _written(
    runtime: TrainerRuntime, answers: Sequence[tuple[InferenceResult, Forecast | None]], traces: Sequence[Headers]
) -> list[Record]:
    records: list[Record] = []
    for (result, forecast), headers in zip(answers, traces, strict=True):
        own = [_result_record(runtime, result)]
        if forecast is not None:
            own.append(Record(runtime.topics.forecasts, b"%d" % forecast.ts_id, runtime.codec.encode(forecast)))
        largest = max(record.size for record in own)
        if largest > runtime.settings.record_limit:
            own = [_too_large(runtime, result, largest)]
        records += [record._replace(headers=headers) for record in own] if headers else own
    return records


def _too_large(runtime: TrainerRuntime, result: InferenceResult, size: int) -> Record:
    error = (
        f"the answer has {size} bytes, a record at most {runtime.settings.record_limit}: ask for fewer samples or"
        " quantiles, or raise TIDECAST_MAX_MESSAGE_BYTES"
    )
    return _result_record(runtime, replace(result, timestamps=(), mean=None, quantiles=None, samples=None, error=error))


def _result_record(runtime: TrainerRuntime, result: InferenceResult) -> Record:
    key = result.request_id if result.transform is None else result.transform
    return Record(runtime.topics.inference_results, key.encode(), runtime.codec.encode(result))
