"""From a TrainSeries command to what the models are asked; what is wrong with a command is found here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from agents.series.times import command_times, last_time, usual_step_ms
from agents.series.turns import Owner
from connectors.kafka.publisher import Headers
from connectors.timestamps.parsing import event_times
from models.arrays.season import season_length
from models.batch import SeriesRequest
from models.calendars.calendar import calendar_of
from models.catalog import model_spec
from models.errors import RejectedInputError
from models.fitted.covariates import with_future
from models.options import PLAIN, Options, checked_options
from models.scores.names import metric_names
from models.tuning.search_space import Dimension, Search
from schemas.series import Options as AskedOptions
from schemas.series import Search as AskedSearch
from schemas.series import TrainSeries
from schemas.values import ParameterValue
from streams.messages import Message, time_of
from streams.telemetry.tracing import trace_headers

__all__ = ["Accepted", "accepted", "options_of", "request_of"]

_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999  # milliseconds: what YYYY-MM-DD HH:MM:SS can say
_HOUR, _DAY = 3_600_000, 86_400_000
_YEAR = 366 * _DAY  # as much as steps of a calendar may be shorter than they are on average
_OUT_OF_TIME = "the series or its forecast leaves the years 1 to 9999: correct start, step or timestamps"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A command with what the models are asked, or with the problem why they are not.

    `asked_at` is the time of the command in the log, so that a replay gives the same bytes. `headers` name its trace.
    """

    command: TrainSeries
    asked_at: int
    request: SeriesRequest | None
    problem: str | None = None
    headers: Headers = ()

    @property
    def owner(self) -> Owner:
        """Whose turn it is when this is computed."""
        return Owner(self.command.project, self.command.job_id)


def accepted(command: TrainSeries, message: Message, max_next_k: int) -> Accepted:
    """The command of a consumed message, checked. Never raises."""
    asked_at, headers = time_of(message), trace_headers(message)
    try:
        _check(command, max_next_k)
        request = request_of(command)
    except ValueError as error:  # what the models' room refuses is a ValueError too
        return Accepted(command, asked_at, None, str(error), headers)
    return Accepted(command, asked_at, request, None, headers)


def request_of(command: TrainSeries) -> SeriesRequest:
    """What the models are asked by a command whose times are sound; ValueError where they would refuse it."""
    config, metrics = _resolved(command.model_name, tuple(command.config.items()), tuple(command.eval_metrics))
    return SeriesRequest(
        target=np.asarray(command.target),
        model_name=command.model_name,
        config=config,
        prediction_length=command.next_k_prediction,
        refit=command.refit,
        eval_metrics=metrics,
        seed=_seed(command) if model_spec(command.model_name).heavy or command.search else 0,
        season_length=season_length(command.freq, command.step),
        allow_negative=command.allow_negative,
        options=PLAIN if command.options is None else options_of(command.options),
        **_more(command),
    )


def _more(command: TrainSeries) -> dict[str, Any]:
    """What few commands have."""
    more: dict[str, Any] = {}
    spec = model_spec(command.model_name)
    if spec.together:  # only then: series with other steps are computed apart
        more["end"], more["step_ms"], more["freq"] = last_time(command), command.step, command.freq
        if command.search is not None:
            raise ValueError(f"{spec.name} is not tuned: send its hyper-parameters as config, and no search")
    elif spec.calendar:
        more["freq"] = command.freq
    if command.feat_dynamic_real and spec.covariates:
        more["covariates"] = with_future(
            command.feat_dynamic_real,
            length=len(command.target),
            prediction_length=command.next_k_prediction,
            season_length=max(1, season_length(command.freq, command.step)),
        )
    if command.search is not None:
        more["search"] = _search(command.search)
    return more


@lru_cache(maxsize=64)
def options_of(asked: AskedOptions) -> Options:
    """The models' form of what is asked for beside the model; RejectedInputError where it makes no sense."""
    try:
        return checked_options(asked.backtest_windows, asked.levels, asked.lower, asked.upper, asked.fill or None)
    except RejectedInputError as error:
        raise RejectedInputError(error.field, f"{error.field} {error.message}") from None


@lru_cache(maxsize=64)
def _search(asked: AskedSearch) -> Search:
    """The models' form of a search; the commands of a job mostly ask the same."""
    dimensions = (
        Dimension(parameter.name, cast("Any", parameter.type), val=parameter.val)
        if parameter.val is not None
        else Dimension(
            parameter.name, cast("Any", parameter.type), parameter.low, parameter.high, tuple(parameter.choice or ())
        )
        for parameter in asked.space
    )
    return Search(tuple(dimensions), asked.max_eval, asked.metric)


def _seed(command: TrainSeries) -> int:
    """The seed of a submission: equal whoever trains it and whenever (J-109)."""
    name = f"{command.job_id}:{command.ts_id}:{command.n}".encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big")


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
    if not _EARLIEST <= earliest <= _LATEST:
        raise ValueError(_OUT_OF_TIME)
    steps = command.next_k_prediction
    if command.freq:  # first roughly: far beyond those years the arithmetic of the calendar would overflow
        places = steps if command.timestamps else steps + len(command.target)
        rough = earliest + places * usual_step_ms(command.freq)
        if rough > _LATEST + _YEAR:
            raise ValueError(_OUT_OF_TIME)
    if command_times(command, steps).following.timestamps[-1] > _LATEST:
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
        shown = _shown(command, at)
        if steps[at - 1] == 0:
            raise ValueError(
                f"timestamp {shown} occurs more than once in the series: choose the columns that tell series apart "
                "(groupby_indexs, or --group-by), put rows of one time together (aggregate, or --aggregate D=mean), or "
                "keep one row per time (what is finer than a microsecond is cut off)" + _set_back(command, at)
            )
        raise ValueError(f"timestamps do not ascend at {shown}: sort the series by time")


def _set_back(command: TrainSeries, place: int) -> str:
    """What else may have made a time double: in autumn clocks go back over an hour of the night."""
    since_midnight = command.timestamps[place] % _DAY
    at_night = _HOUR <= since_midnight < 4 * _HOUR and command.step < _DAY and "/" not in command.freq
    return "; where the clock was set back, name its time_zone (--time-zone)" if at_night else ""


def _shown(command: TrainSeries, place: int) -> str:
    """A time as its clock shows it, with milliseconds where it has any."""
    times = np.array(command.timestamps[place : place + 1], dtype=np.int64) * 1000
    moment = int(calendar_of(command.freq).shown(times)[0] if command.freq else times[0]) // 1000
    return event_times((moment,), (0,) if moment % 1000 else ())[0]
