"""From a submission to its training: a TrainSeries command per series, or TrainTogether for those with one model."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from connectors.datasets.layered_splits import Part
from connectors.kafka.publisher import Record
from models.catalog import CATALOG
from schemas.forecasting import JobRecord
from schemas.series import Beside, SeriesResult, TrainSeries, TrainTogether
from streams.forecasting.inputs import Features, beside_of
from streams.forecasting.series_grids import step_ms
from streams.forecasting.submissions import Training
from streams.runtime import StateRuntime
from streams.standing.shadows import is_quiet

__all__ = ["partition_of_series", "send_training"]

_IN_ONE_TURN = 50  # commands encoded in one turn of the event loop: below 1 ms; requests get theirs in between
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / the golden ratio
_VALUES_IN_ONE_TURN = 50_000  # as many commands of 1,000 values; longer series are fewer at a time

_Numbered = tuple[int, Training]


def partition_of_series(ts_id: int, partitions: int) -> int:
    """Where in series-commands the training of a series is asked for.

    Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): consecutive ids, which the series
    of a job have, lie evenly over the partitions, and over the workers however few they are. By a hash of the key two
    trainers of 320 series would mostly differ by 14, and one of them would be done before the other.
    """
    return (ts_id * _GOLDEN % 2**64) * partitions >> 64


async def send_training(
    state: StateRuntime, job: JobRecord, part: Part, features: Features, todo: Sequence[_Numbered]
) -> Mapping[tuple[str, int], int]:
    """Send commands for all numbered trainings, the first at once; ends when the broker has all of them.

    Those with the same plan and a model that learns from many series are one command. The answer says from which offset
    on they are in each partition, by topic and partition.
    """
    together = [one for one in todo if CATALOG[one[1].plan.model_name].together]
    sent = [state.publisher.send_placed(await asyncio.to_thread(_together, state, job, together))] if together else []
    alone = [one for one in todo if not CATALOG[one[1].plan.model_name].together] if together else todo
    # Not in a thread: it would work half the time, and requests would wait for it to hand over the interpreter.
    for some in _in_turns(job, part, alone):
        sent.append(state.publisher.send_placed(_records(state, job, part, features, some)))
        await asyncio.sleep(0)
    lowest: dict[tuple[str, int], int] = {}
    for placed in await asyncio.gather(*sent):
        lowest |= {at: min(offset, lowest.get(at, offset)) for at, offset in placed.items()}
    return lowest


def _in_turns(job: JobRecord, part: Part, todo: Sequence[_Numbered]) -> Iterator[list[_Numbered]]:
    some: list[_Numbered] = []
    values, places = 0, part.at([training.ts_id - job.first_ts_id for _, training in todo])
    for one, length in zip(todo, np.diff(part.split.offsets)[places].tolist(), strict=True):
        values += length * (1 + len(one[1].plan.features))
        some.append(one)
        if len(some) == _IN_ONE_TURN or values >= _VALUES_IN_ONE_TURN:
            yield some
            some, values = [], 0
    if some:
        yield some


def _records(
    state: StateRuntime, job: JobRecord, part: Part, features: Features, todo: Sequence[_Numbered]
) -> list[Record]:
    limit = state.settings.record_limit
    commands = list(_commands(job, part, features, todo))
    records = []
    for command, value in zip(commands, state.codec.encode_all(commands), strict=True):
        partition = partition_of_series(command.ts_id, state.topics.partitions)
        record = Record(state.topics.series_commands, b"%d" % command.ts_id, value, partition=partition)
        records.append(record if record.size <= limit else _too_long(state, command))
    return records


def _commands(job: JobRecord, part: Part, features: Features, todo: Sequence[_Numbered]) -> Iterator[TrainSeries]:
    split, places = part.split, part.at([training.ts_id - job.first_ts_id for _, training in todo])
    begins, ends = split.offsets[places], split.ends[places].tolist()  # of all at once: that takes half the time
    facts = zip(
        places.tolist(),
        begins.tolist(),
        ends,
        split.times[begins].tolist(),
        split.calendar_codes[places].tolist(),
        split.is_complete[places].tolist(),
        strict=True,
    )
    for (n, training), (place, begin, end, start, calendar, complete) in zip(todo, facts, strict=True):
        plan, freq = training.plan, split.calendars[calendar]
        side = training.settings.side or 0
        target = split.target[begin:end]
        timestamps: Sequence[int] = ()
        more: dict[str, Any] = {}
        if not complete or plan.features or plan.holidays:
            grid, beside = beside_of(split, place, plan, features)
            target, timestamps = grid.target, grid.timestamps
            if beside:
                more["feat_dynamic_real"] = beside
                more["beside"] = Beside(plan.features, plan.future, plan.holidays)
        yield TrainSeries(
            job_id=job.job_id,
            ts_id=training.ts_id,
            n=n,
            item_id=split.groupby_val[place],
            model_name=plan.model_name,
            config=plan.config,
            next_k_prediction=plan.next_k_prediction,
            eval_metrics=plan.eval_metrics,
            refit=plan.refit,
            start=start // 1000,
            start_micros=start % 1000,
            step=step_ms(freq),
            freq=freq,
            timestamps=timestamps,
            target=cast("Sequence[float]", target),  # an array is one, but for its class
            search=plan.search,
            allow_negative=plan.allow_negative,
            project=job.project,
            options=plan.options,
            data_id=job.data_id,
            group_keys=split.groupby_key,
            side=side,
            shadow=is_quiet(job, side),
            switches=job.switches,
            **more,
        )


def _together(state: StateRuntime, job: JobRecord, todo: Sequence[_Numbered]) -> list[Record]:
    """A command for each plan, as few as their size allows: each one trains the model anew, on all series."""
    by_plan: dict[tuple[object, ...], list[_Numbered]] = {}
    for one in todo:
        plan = one[1].plan
        settings = (
            plan.model_name,
            tuple(plan.config.items()),
            plan.next_k_prediction,
            plan.eval_metrics,
            plan.refit,
            plan.allow_negative,
            plan.options,
            one[1].settings.side,
        )
        by_plan.setdefault(settings, []).append(one)
    return [record for series in by_plan.values() for record in _as_few_as_possible(state, job, series[0][1], series)]


def _as_few_as_possible(state: StateRuntime, job: JobRecord, like: Training, todo: Sequence[_Numbered]) -> list[Record]:
    assert job.split is not None  # a job with series has one
    plan, side = like.plan, like.settings.side or 0
    command = TrainTogether(
        job_id=job.job_id,
        split=job.split,
        first_ts_id=job.first_ts_id,
        model_name=plan.model_name,
        config=plan.config,
        next_k_prediction=plan.next_k_prediction,
        eval_metrics=plan.eval_metrics,
        refit=plan.refit,
        ns=[n for n, _ in todo],
        ts_ids=[training.ts_id for _, training in todo],
        allow_negative=plan.allow_negative,
        project=job.project,
        options=plan.options,
        data_id=job.data_id,
        side=side,
        shadow=is_quiet(job, side),
        switches=job.switches,
    )
    record = Record(state.topics.training_runs, b"%d" % job.job_id, state.codec.encode(command))
    if record.size <= state.settings.record_limit:
        return [record]
    if len(todo) == 1:
        [(n, training)] = todo
        error = (
            f"the settings of its training take {record.size} bytes, more than a Kafka record of "
            f"{state.settings.max_message_bytes} bytes can carry: send fewer eval_metrics, or raise "
            "TIDECAST_MAX_MESSAGE_BYTES"
        )
        return [_unsent(state, command, training.ts_id, n, error=error)]
    half = len(todo) // 2
    return [part for some in (todo[:half], todo[half:]) for part in _as_few_as_possible(state, job, like, some)]


def _too_long(state: StateRuntime, command: TrainSeries) -> Record:
    """The answer to a command that no record can carry: it would stop the agent at its submission for good."""
    error = (
        f"the series has {len(command.target)} points, more than a Kafka record of "
        f"{state.settings.max_message_bytes} bytes can carry: leave out old ones, or raise TIDECAST_MAX_MESSAGE_BYTES"
    )
    return _unsent(state, command, command.ts_id, command.n, attempt=command.attempt, error=error)


def _unsent(
    state: StateRuntime, command: TrainSeries | TrainTogether, ts_id: int, n: int, *, error: str, attempt: int = 1
) -> Record:
    """The result of a series whose command no record can carry."""
    model, config = command.model_name, command.config
    result = SeriesResult(
        command.job_id, ts_id, n, attempt, model, config, timestamps=(), predictions=(), metrics={}, error=error
    )
    return Record(state.topics.job_results, b"%d" % command.job_id, state.codec.encode(result))
