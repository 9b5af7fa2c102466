"""Runs whose commands are gone from the log, because trainers were away for longer than it keeps them."""

from agents.scoring_jobs.lost_commands import lost_commands
from connectors.kafka.publisher import partition_for
from schemas.scoring_jobs import OperateScoringRun
from tests.agents.bench import Log, Worker
from tests.agents.scoring_jobs.jobs_samples import DEPLOY, NAME, all_runs, command, furnish, told


async def test_what_was_lost_is_sent_again(state: Worker, log: Log) -> None:
    """Once the log begins behind it; what is paused, or still there, is not."""
    await furnish(state)
    await command(state, DEPLOY)
    (run,) = all_runs(state)
    watch = lost_commands(state.runtime, log)  # type: ignore[arg-type]
    await watch.look()
    assert len(told(state)) == 1
    log.begin[state.runtime.topics.scoring_runs] = run.offset + 1
    await watch.look()
    await watch.look()

    assert [one.run_id for one in told(state)] == [run.run_id] * 2
    assert {record.partition for record in state.sent(state.runtime.topics.scoring_runs)} <= {
        None,
        partition_for(run.run_id.encode(), 4),
    }
    await command(state, OperateScoringRun("p-1", NAME, run.run_id, "pause"))
    log.begin[state.runtime.topics.scoring_runs] = 1000
    before = len(told(state))
    await watch.look()
    assert len(told(state)) == before
