"""What a refresh trains: all standing elements that are due, or where one of them cannot be refreshed, the others."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import structlog

from agents.forecasting.growth import AGAIN_MS, Growth, needs_table, split_anew
from agents.forecasting.submission_runs import Prepared, prepared_for
from schemas.forecasting import JobRecord, RefreshJob, SeriesConfig, SubmitJob
from streams.engine.tenure import SupersededError
from streams.engine.tries import GivenUpError, is_infrastructure
from streams.errors import Code, ConflictError, RejectedError
from streams.forecasting.state import ForecastingState
from streams.forecasting.submissions import ACCEPTED, Training, check_elements
from streams.repeats import with_one_of_many
from streams.runtime import StateRuntime
from streams.standing.elements import refreshed, without_new
from streams.standing.shadows import pieces

__all__ = ["Made", "Trials", "words_of"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Made:
    """The job with its new series, what of it is trained, the submission that this is, and what its commands need."""

    growth: Growth
    after: JobRecord
    trainings: Sequence[Training]
    submission: SubmitJob
    prepared: Prepared | None


class Trials:
    """Of one refresh of a job at a time, once it is known how its series have grown."""

    def __init__(self, state: StateRuntime, job: JobRecord, command: RefreshJob, growth: Growth, at: int) -> None:
        self._state = state
        self._job = job
        self._command = command
        self._growth = growth
        self._at = at
        self._splits = {growth.split}

    async def made(self, due: Sequence[int]) -> tuple[Made, Mapping[int, RejectedError]]:
        """What there is to train of the elements at these places, and why some of them cannot be refreshed.

        An element by itself is tried only where all together fail. RejectedError where it is by hand and none can.
        """
        try:
            return await self._made(due), {}
        except Exception as error:
            failed = {due[0]: _refusal(error)} if len(due) == 1 else await self._failed(due)
            if not due or (not self._command.number and len(failed) == len(due)):
                raise
        good = [place for place in due if place not in failed]
        problems = {place: words_of(place, error) for place, error in failed.items()}
        return await self._made(good, problems), failed

    async def _failed(self, due: Sequence[int]) -> dict[int, RejectedError]:
        failed: dict[int, RejectedError] = {}
        for place in due:
            try:
                await self._made([place])
            except Exception as error:  # noqa: BLE001 - whatever it is, it is about this element
                failed[place] = _refusal(error)
        return failed

    async def _made(self, due: Collection[int], problems: Mapping[int, str] = MappingProxyType({})) -> Made:
        state, growth = self._state, self._growth
        after, trainings, submission = await asyncio.to_thread(self._trained, growth, due, problems)
        if growth.later is not None and needs_table(trainings):
            anew = await split_anew(state, self._job, self._command)
            self._splits.add(anew.split)
            growth = anew if growth.no_room is None else anew.without_new(self._job, growth.no_room)
            after, trainings, submission = await asyncio.to_thread(self._trained, growth, due, problems)
        prepared = await self._prepared(after, trainings, growth) if trainings else None
        return Made(growth, after, trainings, submission, prepared)

    async def _prepared(self, after: JobRecord, trainings: Sequence[Training], growth: Growth) -> Prepared:
        if growth.later is None:
            return await prepared_for(self._state, after, trainings)
        places = np.unique([training.ts_id - after.first_ts_id for training in trainings])
        return Prepared(after, trainings, await asyncio.to_thread(growth.later.layers.chosen, places), {})

    def _trained(
        self, growth: Growth, due: Collection[int], problems: Mapping[int, str]
    ) -> tuple[JobRecord, list[Training], SubmitJob]:
        job, command, at = self._job, self._command, self._at
        by_hand = not command.number
        standing = refreshed(job.standing, due, growth.changed, at=at, problems=problems)
        if growth.no_room is not None:
            lacking = growth.lacking(job, due)
            standing = without_new(standing, lacking, growth.no_room.message, again=at + AGAIN_MS)
        known = with_one_of_many(job, command) if by_hand else {"refreshes": job.refreshes + 1}
        after = replace(
            job,
            tried=-1,
            sequence=job.sequence + (by_hand or growth.series != job.series_count),
            split=growth.split,
            series_count=growth.series,
            seen=growth.seen,
            split_seen=growth.split_seen,
            standing=standing,
            refreshed_at=at,
            **known,
        )
        elements: list[SeriesConfig] = []
        chosen: dict[int, Sequence[int]] = {}
        for place in due:
            one = job.standing[place]
            series = growth.chosen(job, one, sorted({*growth.changed, *one.stale}))
            if series:
                [element] = self._state.codec.decode(one.settings).elements
                for side, some in pieces(job, one, series, growth.columns, growth.names):
                    if one.series is not None:
                        chosen[len(elements)] = some
                    elements.append(replace(element, side=side or None))
        submission = SubmitJob(command.command_id, job.job_id, tuple(elements), job.project)
        if not elements:
            return after, [], submission
        return after, check_elements(after, elements, ACCEPTED, chosen)[1], submission

    async def delete_all_but(self, kept: str | None) -> None:
        """Delete the splits that were made for nothing."""
        for split in self._splits - {self._job.split, kept}:
            await ForecastingState.of(self._state).splits.delete(split)


def _refusal(error: Exception) -> RejectedError:
    """Why an element cannot be refreshed; raises what is not about the element."""
    if isinstance(error, RejectedError):
        return error
    if isinstance(error, SupersededError) or is_infrastructure(error):
        raise error
    log.error("element_not_refreshed", exc_info=error)
    return ConflictError(Code.GIVEN_UP, GivenUpError(error).message)


def words_of(place: int, error: RejectedError) -> str:
    """Why the standing element at this place cannot be refreshed: it was tried alone, and is known by its number."""
    text = error.message
    return text.replace("element 1 ", f"element {place + 1} ", 1) if "element" in error.place else text
