"""Forecasts that are made for a question, in processes beside the worker: what they are asked, and what they answer."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.processes.compute_process import EndedError, RaisedError, cores
from connectors.processes.process_set import ProcessSet
from schemas.series import TrainSeries
from streams.errors import Code, TimedOutError, TooLargeError, UnavailableError
from streams.what_if.asked import FeatureChange

__all__ = ["Asking", "Call", "Cost", "Explained", "Floats", "Forecast", "Made", "Why"]

_ENTRY: Final = "agents.what_if.process:answer"
_MEMORY: Final = 2 << 30  # bytes, as a training process has
_PLACES: Final = 2  # processes of a worker: doors and agents have the other cores
_CHUNK_S: Final = 0.5  # of a process without a pause, about: another question need not wait for longer
_MOST_TOGETHER: Final = 200  # series
_AROUND_S: Final = 20.0  # beside what is predicted of a chunk: a machine may be busy
_SPARE: Final = 0.8  # of the time that is left, to say how many series there is time for

Floats = NDArray[np.float64]


class Call(NamedTuple):
    """A series as it is trained, what is changed of its features, and which models Auto had chosen for it."""

    command: TrainSeries
    changes: Sequence[FeatureChange]
    chosen: str | None


class Why(NamedTuple):
    """A series whose forecast is to be explained: as it is trained, and which models Auto had chosen for it."""

    command: TrainSeries
    chosen: str | None


class Cost(NamedTuple):
    """What a series will take is asked by these: the model, how many values, which models Auto had chosen.

    `explained` is how many features its explanation is of; None where it is forecast twice.
    """

    model_name: str
    points: int
    chosen: str | None
    explained: int | None


class Forecast(NamedTuple):
    """One of the two forecasts of a series."""

    values: Floats
    quantiles: Mapping[str, Floats]


class Made(NamedTuple):
    """Both forecasts of a series, and its features in the steps ahead [F, steps]; or why there is nothing."""

    base: Forecast
    changed: Forecast
    features: Floats
    changes: Floats
    answered_by: str | None
    note: str
    error: str | None


class Explained(NamedTuple):
    """What is left without features [steps], and what each adds [F, steps]; or why there is nothing.

    `features` [F, steps] are their values in the steps ahead, `usual` [F] those with which they add nothing.
    """

    rest: Floats
    added: Floats
    features: Floats
    usual: Floats
    answered_by: str | None
    note: str
    error: str | None


class Asking:
    """The processes of a state worker. They are started when they are needed; questions take turns."""

    def __init__(self) -> None:
        self._count = min(_PLACES, cores())
        self._processes = ProcessSet(
            _ENTRY, name="tidecast-what-if", threads=self._count, memory_limit=_MEMORY, niceness=10, most_idle=1
        )
        self._places = asyncio.Semaphore(self._count)

    async def ask(self, calls: Sequence[Call], budget_s: float) -> Sequence[Made]:
        """Both forecasts of each series, in order; errors as `_answers` has them."""
        return await self._answers(calls, budget_s)

    async def explain(self, calls: Sequence[Why], budget_s: float) -> Sequence[Explained]:
        """The explanation of each forecast, in order; errors as `_answers` has them."""
        return await self._answers(calls, budget_s)

    async def _answers(self, calls: Sequence[Call | Why], budget_s: float) -> Sequence[Any]:
        """The answers in order.

        TooLargeError, before anything is computed, where they will take longer than the budget, TimedOutError where
        they do, UnavailableError where a process ends.
        """
        if not calls:
            return ()
        costs = [_cost(call) for call in calls]
        seconds: Sequence[float] = await self._placed(costs, _AROUND_S)
        predicted = sum(seconds) / self._count
        if predicted > budget_s and len(calls) > 1:
            most = max(1, int(len(calls) * _SPARE * budget_s / predicted))
            text = (
                f"{len(calls)} series would take about {predicted:.0f} s, and a page is given {budget_s:.0f} s: ask "
                f"for {most} at a time (limit={most})"
            )
            raise TooLargeError(Code.TOO_LARGE, text, {"field": "limit"})
        ends, answers = time.monotonic() + budget_s, list[Any]([None] * len(calls))
        chunks = iter(list(_chunks(seconds)))

        async def work() -> None:
            for places in chunks:
                left = ends - time.monotonic()
                if left > 0:
                    limit = min(left, sum(seconds[place] for place in places) * 10 + _AROUND_S)
                    found = await self._placed([calls[place] for place in places], limit)
                    for place, made in zip(places, found, strict=True):
                        answers[place] = made

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._count):
                    group.create_task(work())
        except ExceptionGroup as errors:  # one is enough: the other work is over with it
            raise errors.exceptions[0] from None
        done = [one for one in answers if one is not None]
        if len(done) < len(calls):
            raise _out_of_time(len(done), len(calls), budget_s)
        return done

    async def _placed(self, argument: Sequence[Any], limit_s: float) -> Any:
        async with self._places:
            return await self._processes.in_thread(self._asked, argument, limit_s)

    def _asked(self, argument: Sequence[Any], limit_s: float) -> Any:
        try:
            return self._processes.call(argument, limit_s)
        except TimeoutError:
            raise _out_of_time(0, len(argument), limit_s) from None
        except (EndedError, RaisedError) as error:
            raise _away(str(error)) from None

    async def close(self) -> None:
        """End the processes."""
        await self._processes.close()


def _cost(call: Call | Why) -> Cost:
    command = call.command
    explained = None if isinstance(call, Call) else len(command.feat_dynamic_real)
    return Cost(command.model_name, len(command.target), call.chosen, explained)


def _chunks(seconds: Sequence[float]) -> Iterator[Sequence[int]]:
    """Places of series that are computed together."""
    some: list[int] = []
    taken = 0.0
    for place, each in enumerate(seconds):
        if some and (taken + each > _CHUNK_S or len(some) == _MOST_TOGETHER):
            yield some
            some, taken = [], 0.0
        some.append(place)
        taken += each
    if some:
        yield some


def _out_of_time(done: int, count: int, seconds: float) -> TimedOutError:
    fewer = f"ask for {max(1, done)} at a time (limit)" if count > 1 else "ask for a quicker model (model_name)"
    text = f"{done} of {count} series were done within {seconds:.0f} s: {fewer}"
    return TimedOutError(Code.TIMEOUT, text, {"field": "limit"})


def _away(reason: str) -> UnavailableError:
    text = f"the forecasts could not be made ({reason[:200]}): ask for fewer series at a time"
    return UnavailableError(Code.TIMEOUT, text)
