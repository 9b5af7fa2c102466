"""Sends runs again whose commands are gone from the log: see `streams.rows.lost_commands`."""

from dataclasses import replace

import structlog

from agents.scoring_jobs.job_runs import tell
from connectors.kafka.publisher import partition_for
from connectors.kafka.topic_ends import TopicEnds
from schemas.scoring_jobs import ScoringRunRecord
from streams.engine.tenure import may_write
from streams.rows.lost_commands import LostCommands, Starts
from streams.runtime import StateRuntime
from streams.scoring_jobs import runs
from streams.scoring_jobs.state import ScoringJobsState

__all__ = ["lost_commands"]

log = structlog.get_logger(__name__)


def lost_commands(state: StateRuntime, ends: TopicEnds) -> LostCommands:
    """What watches over the commands that trainers find of runs."""
    partitions, own = state.topics.partitions, ScoringJobsState.of(state)

    async def look_at_rows(place: int, generation: int, starts: Starts) -> bool:
        for run in own.all_runs():
            if run.status != runs.RUNNING or partition_for(run.job_name.encode(), partitions) != place:
                continue
            if not may_write(state.app, generation):
                return False
            if starts.are_behind(partition_for(run.run_id.encode(), partitions), run.offset, run.created):
                await _send_again(state, run, place, generation)
        return True

    return LostCommands(
        state,
        ends,
        commands=(state.topics.scoring_runs,),
        answers=state.topics.scoring_run_status,
        look_at_rows=look_at_rows,
    )


async def _send_again(state: StateRuntime, run: ScoringRunRecord, place: int, generation: int) -> None:
    """A run that goes on takes no harm: it is found under its id."""
    log.warning("scoring_run_lost", run_id=run.run_id)
    offset = await tell(state, runs.order_for(run))
    own, key = ScoringJobsState.of(state).runs, runs.key_of(run.job_name, run.run_id)
    current = own.get(key)
    if current is not None and may_write(state.app, generation):
        await own.put(place, key, replace(current, offset=offset))
