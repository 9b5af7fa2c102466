"""A forecasting job's series that learn from one another: a TrainTogether command becomes a result for each of them."""

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import structlog

from agents.deepar.job_calls import OutOfMemoryError, Refused, StoreUnavailableError
from agents.deepar.pool import TrainingPool
from agents.deepar.together_calls import Loss, SeriesForecast, TogetherRun
from agents.series.answers import AnswerWriter
from agents.series.requests import Accepted, options_of
from agents.series.turns import Owner
from connectors.kafka.publisher import Record
from connectors.objects.layout import SPLITS
from connectors.processes.compute_process import EndedError, RaisedError
from models.catalog import model_spec
from models.errors import RejectedInputError
from models.options import PLAIN
from models.scores.names import metric_names
from schemas.coding.wire import UndecodableError
from schemas.series import TrainSeries, TrainTogether
from schemas.workloads import MetricPoint
from streams.access.names import scoped
from streams.forecasting.state import ForecastingTrainer
from streams.messages import Message, time_of
from streams.runtime import TrainerRuntime

__all__ = ["answer_together", "refuse_together"]

log = structlog.get_logger(__name__)

_WRITTEN_TOGETHER: Final = 500  # results encoded at a time: a job may have a hundred thousand
_STORE_PAUSES_S: Final = (1.0, 5.0, 15.0, 30.0)  # a minute: longer than a restart of the store takes

_TOO_LONG: Final = (
    "{} took longer than {:g} s for the job's series: use fewer epochs or num_cells, or raise"
    " TIDECAST_MAX_TRAINING_JOB_S"
)
_ENDED: Final = (
    "the process that trained {} ended (killed or out of memory), time and again: use fewer num_cells or a smaller"
    " mini_batch_size, or raise TIDECAST_TRAINING_MEMORY_BYTES"
)
_OUT_OF_MEMORY: Final = (
    "{} needs more memory for the job's series than the {} MiB that a process may have: use fewer num_cells or a"
    " smaller mini_batch_size, or raise TIDECAST_TRAINING_MEMORY_BYTES"
)
_UNREADABLE: Final = "the job's series cannot be read: {}"
_FAILED: Final = "{} could not be trained on the job's series ({}); check their values or choose another model"


class _FailedError(Exception):
    """No series of the command can be forecast; the text is for the user."""


async def answer_together(
    runtime: TrainerRuntime, pool: TrainingPool, message: Message, command: TrainTogether
) -> None:
    """Publish Forecast, MetricPoints and exactly one SeriesResult for each series; ends when the broker has them.

    While it trains, the loss of each epoch is a MetricPoint of the workload ``fj-<job_id>-together-<first n>``. A
    repeat gives the same numbers, however many of the series are asked for again.
    """
    if len(command.ns) != len(command.ts_ids):
        error = UndecodableError(f"{len(command.ns)} numbers for {len(command.ts_ids)} series")
        await runtime.publisher.send([runtime.dead_letter(message, error)])
        return
    asked_at = time_of(message)
    told: list[asyncio.Future[None]] = []

    def on_report(loss: Loss) -> None:
        told.append(runtime.publisher.send_nowait(_points(runtime, command, loss, asked_at)))

    places = tuple(dict.fromkeys(ts_id - command.first_ts_id for ts_id in command.ts_ids))
    forecasts: dict[int, SeriesForecast] = {}
    problem = None
    try:
        run = _run(runtime, command, places)
        computed = await _unless_stopped(runtime, command, _computed(runtime, pool, run, command, on_report))
        if computed is None:
            return
        forecasts = dict(zip(places, computed, strict=True))
    except _FailedError as error:
        problem = str(error)
        log.info("together_failed", job_id=command.job_id, series=len(places), reason=problem)
    await asyncio.gather(*told)
    await _publish(runtime, command, forecasts, problem, asked_at)


async def refuse_together(runtime: TrainerRuntime, message: Message, command: TrainTogether, problem: str) -> None:
    """Publish an error as the result of each series."""
    await _publish(runtime, command, {}, problem, time_of(message))


async def _publish(
    runtime: TrainerRuntime,
    command: TrainTogether,
    forecasts: dict[int, SeriesForecast],
    problem: str | None,
    asked_at: int,
) -> None:
    numbered = list(zip(command.ns, command.ts_ids, strict=True))
    for first in range(0, len(numbered), _WRITTEN_TOGETHER):
        part = numbered[first : first + _WRITTEN_TOGETHER]
        await runtime.publisher.send(
            await asyncio.to_thread(_written, runtime, command, part, forecasts, problem, asked_at)
        )


async def _unless_stopped(
    runtime: TrainerRuntime, command: TrainTogether, work: Coroutine[Any, Any, list[SeriesForecast]]
) -> list[SeriesForecast] | None:
    """What the work makes; None where the job is stopped or deleted meanwhile, and then the work ends."""
    last = max(command.ns, default=-1)
    computing = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(ForecastingTrainer.of(runtime).stops.until_covered(command.job_id, last))
    try:
        await asyncio.wait([computing, stopped], return_when=asyncio.FIRST_COMPLETED)
        return computing.result() if computing.done() else None
    finally:
        stopped.cancel()
        computing.cancel()


def _run(runtime: TrainerRuntime, command: TrainTogether, places: tuple[int, ...]) -> TogetherRun:
    """What is to be computed; _FailedError says what is wrong with the command."""
    settings = runtime.settings
    try:
        spec = model_spec(command.model_name)
        config, metrics = spec.resolve(command.config), metric_names(command.eval_metrics)
        options = PLAIN if command.options is None else options_of(command.options)
    except RejectedInputError as error:
        raise _FailedError(error.message) from None
    if not spec.together:
        raise _FailedError(f"{spec.name} is trained on each series alone: send a TrainSeries command for each")
    if not 1 <= command.next_k_prediction <= settings.max_next_k_prediction:
        raise _FailedError(
            f"next_k_prediction is {command.next_k_prediction}, expected 1 to {settings.max_next_k_prediction}"
        )
    if command.split not in SPLITS:  # any other object would be opened, and quoted in the error
        raise _FailedError(f"split is {command.split[:200]!r}, expected the key of a job's split in {SPLITS.name}/")
    if any(place < 0 for place in places):
        raise _FailedError(f"ts_ids has ids below first_ts_id, {command.first_ts_id}")
    return TogetherRun(
        store_url=settings.object_store_url,
        split=command.split,
        places=places,
        config=config,
        next_k_prediction=command.next_k_prediction,
        eval_metrics=metrics,
        refit=command.refit,
        seed=_seed(command.job_id),
        allow_negative=command.allow_negative,
        options=options,
    )


async def _computed(
    runtime: TrainerRuntime, pool: TrainingPool, run: TogetherRun, command: TrainTogether, on_report: Any
) -> list[SeriesForecast]:
    settings, model = runtime.settings, command.model_name
    for pause_s in (*_STORE_PAUSES_S, None):
        try:
            owner = Owner(command.project, command.job_id)
            answer = await pool.compute(run, owner, limit_s=settings.max_training_job_s, on_report=on_report)
        except TimeoutError:
            raise _FailedError(_TOO_LONG.format(model, settings.max_training_job_s)) from None
        except EndedError:
            raise _FailedError(_ENDED.format(model)) from None
        except RaisedError as error:
            if error.is_a(OutOfMemoryError):
                raise _FailedError(_OUT_OF_MEMORY.format(model, settings.training_memory_bytes // 1024**2)) from None
            log.error("together_failed", job_id=command.job_id, error=str(error))  # noqa: TRY400 - it has the reason
            if not error.is_a(StoreUnavailableError):
                raise _FailedError(_FAILED.format(model, error.kind)) from None
            if pause_s is None:
                raise _FailedError(_UNREADABLE.format(error.text)) from None
            await asyncio.sleep(pause_s)
        else:
            if isinstance(answer, Refused):
                raise _FailedError(answer.text)
            forecasts: list[SeriesForecast] = answer
            return forecasts
    raise AssertionError  # the last round does not pause


def _written(
    runtime: TrainerRuntime,
    command: TrainTogether,
    numbered: Sequence[tuple[int, int]],
    forecasts: dict[int, SeriesForecast],
    problem: str | None,
    asked_at: int,
) -> list[Record]:
    writer = AnswerWriter(runtime.codec, runtime.topics, runtime.store, runtime.settings.record_limit)
    records: list[Record] = []
    for n, ts_id in numbered:
        forecast = forecasts.get(ts_id - command.first_ts_id)
        item = Accepted(_alone(command, n, ts_id, forecast), asked_at, None, problem)
        records += writer.records(item, None if forecast is None else forecast.answer)
    return records


def _alone(command: TrainTogether, n: int, ts_id: int, forecast: SeriesForecast | None) -> TrainSeries:
    """The command as it would be for one series; of its history the last times are enough for the answer."""
    return TrainSeries(
        job_id=command.job_id,
        ts_id=ts_id,
        n=n,
        model_name=command.model_name,
        start=0,
        step=1 if forecast is None else forecast.step,
        target=(),
        attempt=command.attempt,
        item_id="" if forecast is None else forecast.item_id,
        group_keys=() if forecast is None else forecast.group_keys,
        data_id=command.data_id,
        config=command.config,
        timestamps=() if forecast is None else forecast.times,
        freq="" if forecast is None else forecast.freq,
        project=command.project,
        side=command.side,
        shadow=command.shadow,
        switches=command.switches,
    )


def _points(runtime: TrainerRuntime, command: TrainTogether, loss: Loss, asked_at: int) -> list[Record]:
    uid = scoped(command.project, f"fj-{command.job_id}-together-{min(command.ns, default=0)}")
    values = {"loss": loss.loss, "validation_loss": loss.validation_loss}
    points = [
        MetricPoint(uid, name, value, asked_at, loss.epoch, "log")
        for name, value in values.items()
        if value is not None
    ]
    return [Record(runtime.topics.metrics, uid.encode(), runtime.codec.encode(point)) for point in points]


def _seed(job_id: int) -> int:
    """The seed of a job: equal for all its submissions, whichever series they ask for, and whoever trains (J-109)."""
    return int.from_bytes(hashlib.blake2b(b"%d" % job_id, digest_size=8).digest(), "big") >> 1
