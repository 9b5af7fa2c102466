"""The trainer: every TrainSeries command is answered with exactly one SeriesResult, a forecast or an error."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from faust.agents import Agent
from mode.supervisors import CrashingSupervisor

from connectors.publisher import Record
from connectors.timestamps import format_timestamp
from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from models.catalog import model_spec
from models.metrics import metric_names
from schemas.codec import Codec
from schemas.commands import ParameterValue, TrainSeries
from schemas.events import Backtest, Forecast, MetricPoint, SeriesResult
from schemas.wire import UndecodableError
from streams.runtime import TrainerRuntime
from streams.topics import Topics
from streams.transport import open_batches

__all__ = ["answer_commands", "attach"]

_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999  # milliseconds: what YYYY-MM-DD HH:MM:SS can say
_OUT_OF_TIME = "the series or its forecast leaves the years 1 to 9999: correct start, step or timestamps"
_LONGEST_NAME = 100  # characters of a model's name in an answer that must be short
_TOO_LARGE = "the answer would be too large for a Kafka record: send fewer steps and shorter names"


def attach(runtime: TrainerRuntime) -> Agent:
    """Register `train_series` on the trainer's app."""
    app, settings = runtime.app, runtime.settings

    @app.agent(
        app.topic(runtime.topics.series_commands, value_serializer="raw", internal=True),
        name="train_series",
        supervisor_strategy=CrashingSupervisor,
    )
    async def train_series(stream: Any) -> None:
        """Answer a batch: 1. compute, 2. publish, 3. acknowledge the input once the broker has the output.

        The next batch is computed while the broker still writes this one.
        """
        async for batch in open_batches(app, stream, settings.batch_size):
            messages = [event.message for event in batch.events]
            records = await asyncio.to_thread(answer_commands, runtime, messages)
            batch.ack_when(runtime.publisher.send_nowait(records))

    return train_series


def answer_commands(runtime: TrainerRuntime, messages: Sequence[Any]) -> list[Record]:
    """The records that answer a batch of consumed messages, in their order; never raises for a bad message."""
    topics, limit = runtime.topics, runtime.settings.record_limit
    records: list[Record] = []
    accepted: list[_Accepted] = []
    for message in messages:
        try:
            command = _command(runtime.codec, message.value)
        except UndecodableError as error:
            records.append(runtime.dead_letter(message, error))
            continue
        accepted.append(_accept(command, message, runtime.settings.max_next_k_prediction))
    answers = iter(forecast_batch([item.request for item in accepted if item.request is not None]))
    for item in accepted:
        answer = SeriesAnswer([], None, {}, item.problem) if item.request is None else next(answers)
        answered = list(_answer_records(runtime.codec, topics, item, answer))
        if any(record.size > limit for record in answered):  # it repeats what was sent, or is long itself
            short = replace(item.command, config={}, model_name=item.command.model_name[:_LONGEST_NAME])
            refusal = _Accepted(short, item.asked_at, None, _TOO_LARGE)
            answered = list(_answer_records(runtime.codec, topics, refusal, SeriesAnswer([], None, {}, _TOO_LARGE)))
        records += answered
    return records


@dataclass(frozen=True, slots=True)
class _Accepted:
    """A command with what the models are asked, or why they are not."""

    command: TrainSeries
    asked_at: int
    request: SeriesRequest | None
    problem: str | None = None


def _command(codec: Codec, value: bytes | None) -> TrainSeries:
    event = codec.decode(value)
    if not isinstance(event, TrainSeries):
        raise UndecodableError(f"a {type(event).__name__} on the topic of TrainSeries commands")
    return event


def _accept(command: TrainSeries, message: Any, max_next_k: int) -> _Accepted:
    asked_at = round(message.timestamp * 1000)  # the log's time, so that a replay gives the same bytes
    try:
        _check(command, max_next_k)
        config, metrics = _resolved(command.model_name, tuple(command.config.items()), tuple(command.eval_metrics))
    except ValueError as error:  # what the catalogue and the metrics refuse is a ValueError too
        return _Accepted(command, asked_at, None, str(error))
    request = SeriesRequest(
        target=np.asarray(command.target),
        model_name=command.model_name,
        config=config,
        prediction_length=command.next_k_prediction,
        refit=command.refit,
        eval_metrics=metrics,
    )
    return _Accepted(command, asked_at, request)


@lru_cache(maxsize=1024)
def _resolved(
    model_name: str, config: tuple[tuple[str, ParameterValue], ...], eval_metrics: tuple[str, ...]
) -> tuple[Mapping[str, ParameterValue], tuple[str, ...]]:
    """The model's whole configuration and the metrics, remembered: the commands of a job mostly ask the same."""
    return model_spec(model_name).resolve(dict(config)), metric_names(eval_metrics)


def _check(command: TrainSeries, max_next_k: int) -> None:
    """ValueError where the command cannot be trained as it stands."""
    if not 1 <= command.next_k_prediction <= max_next_k:
        raise ValueError(f"next_k_prediction is {command.next_k_prediction}, expected 1 to {max_next_k}")
    if command.step <= 0:
        raise ValueError(f"step is {command.step} ms, expected a positive number")
    if command.timestamps:
        _check_timestamps(command)
    earliest = command.timestamps[0] if command.timestamps else command.start
    if earliest < _EARLIEST or _last_time(command) > _LATEST - command.step * command.next_k_prediction:
        raise ValueError(_OUT_OF_TIME)


def _check_timestamps(command: TrainSeries) -> None:
    if len(command.timestamps) != len(command.target):
        raise ValueError(f"{len(command.timestamps)} timestamps for {len(command.target)} values")
    times = np.asarray(command.timestamps)
    if times.min() < _EARLIEST or times.max() > _LATEST:  # first: differences of such times would overflow
        raise ValueError(_OUT_OF_TIME)
    steps = np.diff(times)
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0)) + 1
        shown = format_timestamp(command.timestamps[at])
        if steps[at - 1] == 0:
            raise ValueError(f"timestamp {shown} occurs more than once in the series: keep one row per time")
        raise ValueError(f"timestamps do not ascend at {shown}: sort the series by time")


def _answer_records(codec: Codec, topics: Topics, item: _Accepted, answer: SeriesAnswer) -> Iterable[Record]:
    command = item.command
    config = command.config if item.request is None else item.request.config
    ts_key = b"%d" % command.ts_id
    steps: Sequence[int] = ()
    if answer.error is None:
        cutoff = _last_time(command)
        steps = range(cutoff + command.step, cutoff + command.step * (len(answer.predictions) + 1), command.step)
        forecast = Forecast(
            command.job_id,
            command.ts_id,
            command.n,
            command.item_id,
            command.model_name,
            cutoff,
            steps,
            answer.predictions,
        )
        yield Record(topics.forecasts, ts_key, codec.encode(forecast))
        workload_uid = f"fj-{command.job_id}-{command.ts_id}-{command.n}"
        for name, value in answer.metrics.items():
            point = MetricPoint(workload_uid, name, value, item.asked_at, 0, "log")
            yield Record(topics.metrics, workload_uid.encode(), codec.encode(point))
    result = SeriesResult(
        command.job_id,
        command.ts_id,
        command.n,
        command.attempt,
        command.model_name,
        config,
        steps,
        answer.predictions,
        answer.metrics,
        _backtest(command, answer),
        answer.error,
    )
    yield Record(topics.job_results, b"%d" % command.job_id, codec.encode(result))


def _last_time(command: TrainSeries) -> int:
    if command.timestamps:
        return command.timestamps[-1]
    return command.start + command.step * (len(command.target) - 1)


def _backtest(command: TrainSeries, answer: SeriesAnswer) -> Backtest | None:
    if answer.backtest is None:
        return None
    length = len(answer.backtest)
    if command.timestamps:
        times: Sequence[int] = command.timestamps[len(command.timestamps) - length :]
    else:
        first = command.start + command.step * (len(command.target) - length)
        times = range(first, first + command.step * length, command.step)
    return Backtest(times, answer.backtest)
