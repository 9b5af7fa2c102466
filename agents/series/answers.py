"""From the models' answer to the records that a trainer publishes: forecast, metric points, and one result."""

from collections.abc import Iterator
from dataclasses import replace

from agents.series.requests import Accepted
from agents.series.times import CommandTimes, ShownTimes, calendar_note, command_times
from connectors.datasets.group_values import NAMELESS, named_series
from connectors.kafka.publisher import Record
from connectors.objects.model_files import model_file
from connectors.objects.store import ObjectStore
from models.batch import SeriesAnswer
from models.fitted.covariates import FUTURE_UNKNOWN, has_unknown_future
from schemas.coding.codec import Codec
from schemas.series import Asked, Backtest, Forecast, SeriesResult
from schemas.workloads import MetricPoint
from streams.access.names import scoped
from streams.standing.shadows import TOOK_HEADER
from streams.topics import Topics

__all__ = ["AnswerWriter"]

_LONGEST_NAME = 100  # characters of a model's name in an answer that must be short
_TOO_LARGE = "the answer would be too large for a Kafka record: send fewer steps and shorter names"
_NO_TIMES = CommandTimes(0, ShownTimes(()), ShownTimes(()))
_TRIAL = "tuning_"  # before the metric's name: a trial's loss is no score of the forecast


class AnswerWriter:
    """Writes answers as records of at most `limit` bytes, and trained models into the object store."""

    def __init__(self, codec: Codec, topics: Topics, store: ObjectStore, limit: int) -> None:
        self._codec = codec
        self._topics = topics
        self._store = store
        self._limit = limit

    def records(self, item: Accepted, answer: SeriesAnswer | None) -> list[Record]:
        """What answers one command; `answer` is None where the models were not asked."""
        if answer is None:
            answer = SeriesAnswer([], None, {}, item.problem)
        written = list(self._records(item, answer))
        if any(record.size > self._limit for record in written):  # it repeats what was sent, or is long itself
            short = replace(item.command, config={}, model_name=item.command.model_name[:_LONGEST_NAME])
            refusal = Accepted(short, item.asked_at, None, _TOO_LARGE, item.headers)
            written = list(self._records(refusal, SeriesAnswer([], None, {}, _TOO_LARGE)))
        return written

    def _records(self, item: Accepted, answer: SeriesAnswer) -> Iterator[Record]:
        """1. the trained model's file, 2. forecast and metric points, 3. the result, which says that all is there.

        In a shadow no forecast.
        """
        command, codec, topics = item.command, self._codec, self._topics
        times = _NO_TIMES
        answered_by = None if answer.answered_by == command.model_name else answer.answered_by
        model_path = None
        note = answer.note
        if answer.error is None:
            times = command_times(command, len(answer.predictions), len(answer.backtest or ()))
            more = (note, _future_note(item), calendar_note(command.freq))
            note = "; ".join(filter(None, more))
            if answer.saved is not None:
                model_path = model_file(command.job_id, command.ts_id, command.n)
                self._store.put_bytes(model_path, answer.saved)
            name = named_series(tuple(command.group_keys), command.item_id) if command.data_id else NAMELESS
            forecast = Forecast(
                job_id=command.job_id,
                ts_id=command.ts_id,
                n=command.n,
                item_id=command.item_id,
                model_name=command.model_name,
                cutoff=times.last,
                timestamps=times.following.timestamps,
                mean=answer.predictions,
                quantiles=answer.quantiles,
                answered_by=answered_by,
                micros=times.following.micros,
                utc_offsets=times.following.utc_offsets,
                project=command.project,
                switches=command.switches,
                groups=name.groups,
                series_key=name.key,
                data_id=command.data_id,
            )
            if not command.shadow:
                yield Record(topics.forecasts, b"%d" % command.ts_id, codec.encode(forecast), item.headers)
            yield from self._points(item, answer)
        config = answer.config
        if config is None:
            config = command.config if item.request is None else item.request.config
        result = SeriesResult(
            job_id=command.job_id,
            ts_id=command.ts_id,
            n=command.n,
            attempt=command.attempt,
            model_name=command.model_name,
            config=config,
            timestamps=times.following.timestamps,
            predictions=answer.predictions,
            metrics=answer.metrics,
            backtest=None if answer.backtest is None else _backtest(answer.backtest, times.held_out),
            error=answer.error,
            quantiles=answer.quantiles,
            answered_by=answered_by,
            model_path=model_path,
            micros=times.following.micros,
            utc_offsets=times.following.utc_offsets,
            note=note or None,
            mase_insample=answer.mase_insample,
            asked=_asked(item) if answer.error is None else None,
            backtest_windows=max(1, answer.windows),
            side=command.side,
            shadow=command.shadow,
        )
        headers = item.headers
        if command.side and answer.took_s is not None:
            headers = (*headers, (TOOK_HEADER, b"%.6g" % answer.took_s))
        yield Record(topics.job_results, b"%d" % command.job_id, codec.encode(result), headers)

    def _points(self, item: Accepted, answer: SeriesAnswer) -> Iterator[Record]:
        """The scores, and the loss of each trial, whose iteration is its number from 1."""
        command = item.command
        workload_uid = scoped(command.project, f"fj-{command.job_id}-{command.ts_id}-{command.n}")
        points = [(name, value, 0) for name, value in answer.metrics.items()]
        if answer.trials and command.search is not None:
            name = f"{_TRIAL}{command.search.metric}"
            points += [(name, loss, number) for number, loss in enumerate(answer.trials, 1)]
        for name, value, iteration in points:
            point = MetricPoint(workload_uid, name, value, item.asked_at, iteration, "log")
            yield Record(self._topics.metrics, workload_uid.encode(), self._codec.encode(point), item.headers)


def _asked(item: Accepted) -> Asked | None:
    """How it was asked for, where its features were named and its model made use of them."""
    command, request = item.command, item.request
    if command.beside is None or request is None or request.covariates is None:
        return None
    return Asked(command.beside, command.refit, command.allow_negative, command.options)


def _future_note(item: Accepted) -> str:
    """What is to be said of features whose future was filled in; without refit none is forecast by."""
    command = item.command
    if not command.refit or item.request is None or item.request.covariates is None:
        return ""
    return FUTURE_UNKNOWN if has_unknown_future(command.feat_dynamic_real, len(command.target)) else ""


def _backtest(predictions: list[float], times: ShownTimes) -> Backtest:
    return Backtest(times.timestamps, predictions, times.micros, times.utc_offsets)
