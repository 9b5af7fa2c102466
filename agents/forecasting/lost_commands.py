"""Sends the training of jobs again whose commands are gone from the log: see `streams.rows.lost_commands`."""

import asyncio
from typing import Final

import structlog

from agents.forecasting.submission_runs import SubmissionRuns
from connectors.kafka.publisher import partition_for
from connectors.kafka.topic_ends import TopicEnds
from schemas.forecasting import CmdStatus, JobRecord
from streams.engine.tenure import may_write
from streams.forecasting import plans
from streams.forecasting.state import ForecastingState
from streams.rows.lost_commands import LostCommands, Starts
from streams.runtime import StateRuntime

__all__ = ["lost_commands"]

log = structlog.get_logger(__name__)

_IN_ONE_TURN: Final = 20  # rows looked at in one turn of the event loop


def lost_commands(state: StateRuntime, runs: SubmissionRuns, ends: TopicEnds) -> LostCommands:
    """What watches over the commands of jobs, be they for one series or for many."""
    table = ForecastingState.of(state).jobs

    async def look_at_rows(place: int, generation: int, starts: Starts) -> bool:
        for number, job_id in enumerate(table.ids(), 1):
            if not number % _IN_ONE_TURN:
                await asyncio.sleep(0)
            if not may_write(state.app, generation):
                return False
            if partition_for(b"%d" % job_id, state.topics.partitions) == place:
                job = table.look(job_id)
                if job is not None and job.status is CmdStatus.COMITTED:
                    await _send_again(state, runs, job, place, generation, starts)
        return True

    return LostCommands(
        state,
        ends,
        commands=(state.topics.series_commands, state.topics.training_runs),
        answers=state.topics.job_results,
        look_at_rows=look_at_rows,
    )


async def _send_again(
    state: StateRuntime, runs: SubmissionRuns, job: JobRecord, place: int, generation: int, starts: Starts
) -> None:
    """Say in the row that it is not sent: whoever sends the rest sends it too."""
    series, trainings = starts.of
    forecasting = ForecastingState.of(state)
    answered = forecasting.results.progress(job.job_id).finished
    changed = job
    for planned in job.planned:
        if plans.is_lost(job, planned, series, trainings[place], starts.before):
            numbers = range(planned.first_n, planned.first_n + planned.sent)
            first = next((n for n in numbers if n not in answered), None)
            if first is not None:
                changed = plans.sent_again(changed, planned, first)
                log.warning("commands_lost", job_id=job.job_id, first=first, sent_again=numbers.stop - first)
    if changed is not job:
        written = forecasting.jobs.put(place, changed)
        runs.begin(job.job_id, generation)
        await written
