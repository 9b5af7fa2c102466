"""Commands of scoring jobs in; rows, orders for trainers, and dead letters out."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from agents.scoring_jobs import clock
from agents.scoring_jobs.clock import Clock
from connectors.kafka.publisher import DeliveryError
from schemas.scoring_jobs import (
    DeleteScoringJob,
    EndScoringRun,
    FireScoringJob,
    OperateScoringRun,
    ScoreDataset,
    ScoringRunStatus,
    StartScoringRun,
)
from streams.scoring_jobs import runs, scripts
from streams.scoring_jobs.state import ScoringJobsState
from tests.agents.bench import AT, Worker
from tests.agents.scoring_jobs.jobs_samples import DEPLOY, NAME, SCRIPT, all_runs, command, furnish, job, status, told

NOW = round(AT * 1000)
SCHEDULED = replace(DEPLOY, dispatch="schedule", schedule="1h")


@pytest.fixture
async def state(state: Worker) -> Worker:
    await furnish(state)
    return state


def said(run: Any, what: str, **fields: Any) -> ScoringRunStatus:
    made = {"attempt": run.attempt, "at": NOW + 500, **fields}
    return ScoringRunStatus(run_id=run.run_id, job_name=run.job_name, status=what, **made)


class TestDeploying:
    """DeployScoringJob."""

    async def test_S099_a_run_starts_at_once(self, state: Worker) -> None:
        """The trainer is told what the script says."""
        (sent,) = await command(state, DEPLOY)
        (run,) = all_runs(state)

        assert (job(state).input_dataset, job(state).model_name, job(state).runs) == ("in.csv", "line", 1)
        assert (run.name, run.status, run.offset) == ("bj-1", "running", 0)
        assert told(state) == [
            ScoreDataset(
                run_id=run.run_id,
                job_name=NAME,
                attempt=1,
                model_name="line",
                input_dataset="in.csv",
                output_dataset="out.csv",
                output_id=run.output_id,
            )
        ]
        assert state.committed(sent)

    async def test_commands_that_come_again_leave_the_job_that_has_the_name_now(self, state: Worker) -> None:
        """A worker that is killed takes commands again: the second job keeps its row and its run."""
        topic = state.runtime.topics.scoring_job_commands
        await command(state, DEPLOY)
        removal, second = (
            state.message(topic, NAME.encode(), one)
            for one in (DeleteScoringJob("c-8", NAME), replace(DEPLOY, command_id="c-9"))
        )
        await state.consume(topic, removal, second)
        made, begun = job(state), all_runs(state)
        assert made.command_id == "c-9"

        await state.consume(topic, removal, second)
        assert (job(state), all_runs(state)) == (made, begun)

    async def test_a_repeat_changes_nothing(self, state: Worker) -> None:
        """One run, told once; other content under the id is refused."""
        await command(state, DEPLOY, DEPLOY)
        assert (len(all_runs(state)), len(told(state)), job(state).runs) == (1, 1, 1)
        await command(state, replace(DEPLOY, description="another"))

        assert ["was used before" in letter["error"] for letter in state.dead()] == [True]

    async def test_S101_the_job_keeps_its_script(self, state: Worker) -> None:
        """One that takes its name later changes nothing."""
        await command(state, DEPLOY)
        await command(state, replace(SCRIPT, command_id="g-2", output_dataset="other.csv"), key=b"score")
        await command(state, StartScoringRun("s-1", NAME))

        assert {one.output_dataset for one in told(state)} == {"out.csv"}
        assert scripts.load(state.runtime.store, "score", ".py", "").output_dataset == "other.csv"

    async def test_S100_by_schedule_it_waits(self, state: Worker) -> None:
        """Unless its first run was given a name."""
        await command(state, SCHEDULED)
        assert (all_runs(state), told(state)) == ([], [])
        assert job(state).next_due == NOW + 3_600_000
        await command(state, replace(SCHEDULED, command_id="d-2", job_name="named", run_name="r1"), key=b"named")

        assert len(told(state)) == 1

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"file_name": "none"}, "fileName"),
            ({"dispatch": "schedule"}, "schedule"),
            ({"environment": "2.7"}, "environment"),
            ({"variables": {"A": "x" * 5000}}, "variables"),
        ],
    )
    async def test_what_cannot_be(self, state: Worker, changes: dict[str, Any], words: str) -> None:
        """A dead letter names the field; nothing is kept."""
        await command(state, replace(DEPLOY, **changes))

        assert [letter["error"].startswith(words) for letter in state.dead()] == [True]
        assert ScoringJobsState.of(state.runtime).job(NAME) is None

    async def test_a_wrong_key(self, state: Worker) -> None:
        """It would lie in another job's partition."""
        await command(state, DEPLOY, key=b"other")

        assert ["record's key" in letter["error"] for letter in state.dead()] == [True]


class TestRuns:
    """StartScoringRun, OperateScoringRun, ScoringRunStatus."""

    async def test_S108_pause_and_continue(self, state: Worker) -> None:
        """The trainer ends the attempt and is told of the next; a late word of the first counts for nothing."""
        await command(state, DEPLOY)
        (run,) = all_runs(state)
        await status(state, said(run, "running", rows=5))
        await command(state, OperateScoringRun("p-1", NAME, run.run_id, "pause"))
        assert all_runs(state)[0].status == "paused"
        await status(state, said(run, "success", rows=9))
        assert all_runs(state)[0].status == "paused"
        await command(state, OperateScoringRun("p-2", NAME, run.run_id, "continue"))
        await status(state, said(run, "success", rows=9))
        assert (all_runs(state)[0].status, all_runs(state)[0].rows) == ("running", 5)

        assert [type(one).__name__ for one in told(state)] == ["ScoreDataset", "EndScoringRun", "ScoreDataset"]
        assert [one.attempt for one in told(state)] == [1, 1, 2]
        await status(state, said(all_runs(state)[0], "success", rows=9, wrong_rows=1))
        (ended,) = all_runs(state)
        assert (ended.status, ended.rows, ended.wrong_rows) == ("success", 9, 1)
        assert runs.duration(ended, NOW + 10**6) == 500

    async def test_S104_stop(self, state: Worker) -> None:
        """Failed, because it was stopped; nothing is kept of how far it was."""
        await command(state, DEPLOY)
        (run,) = all_runs(state)
        stop = OperateScoringRun("p-1", NAME, run.run_id, "stop")
        await command(state, stop, stop)
        (ended,) = all_runs(state)

        assert (ended.status, ended.reason) == ("failed", "stopped")
        assert told(state)[-1] == EndScoringRun(run_id=run.run_id, job_name=NAME, attempt=1, remove=True, forget=True)
        assert state.dead() == []

    @pytest.mark.parametrize(
        ("before", "operation"),
        [
            ((), "continue"),
            (("pause",), "pause"),
            (("stop",), "stop"),
            (("stop",), "pause"),
            (("stop",), "continue"),
            ((), "rename"),
        ],
    )
    async def test_S108_only_from_where_it_is_possible(
        self, state: Worker, before: tuple[str, ...], operation: str
    ) -> None:
        """Else a dead letter, and nothing has changed."""
        await command(state, DEPLOY)
        (run,) = all_runs(state)
        for place, one in enumerate(before):
            await command(state, OperateScoringRun(f"p-{place}", NAME, run.run_id, one))
        known = all_runs(state)
        await command(state, OperateScoringRun("p-9", NAME, run.run_id, operation))

        assert [letter["error"].startswith("type:") for letter in state.dead()] == [True]
        assert all_runs(state) == known

    async def test_S108_delete_from_any(self, state: Worker) -> None:
        """The row is gone, the trainer ends it and forgets its result."""
        await command(state, DEPLOY)
        (run,) = all_runs(state)
        await command(state, OperateScoringRun("p-1", NAME, run.run_id, "delete"))
        await status(state, said(run, "success"))

        assert all_runs(state) == []
        assert told(state)[-1] == EndScoringRun(run_id=run.run_id, job_name=NAME, attempt=1, remove=True, forget=True)

    async def test_S008_names_of_runs(self, state: Worker) -> None:
        """One of a job has a name once; those without one get the next number."""
        await command(state, replace(DEPLOY, run_name="bj-2"), StartScoringRun("s-1", NAME))
        await command(state, StartScoringRun("s-2", NAME, "bj-2"), StartScoringRun("s-3", NAME))

        assert sorted(run.name for run in all_runs(state)) == ["bj-2", "bj-3", "bj-4"]
        assert ["already" in letter["error"] for letter in state.dead()] == [True]

    async def test_a_job_is_removed_with_its_runs(self, state: Worker) -> None:
        """Each is ended first."""
        await command(state, DEPLOY, StartScoringRun("s-1", NAME), DeleteScoringJob("x-1", NAME))

        assert ScoringJobsState.of(state.runtime).job(NAME) is None
        assert all_runs(state) == []
        assert [type(one).__name__ for one in told(state)] == ["ScoreDataset"] * 2 + ["EndScoringRun"] * 2

    async def test_old_runs_are_not_kept(self, state: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        """The oldest that have ended."""
        monkeypatch.setattr(runs, "MOST_KEPT", 2)
        await command(state, DEPLOY)
        for place in range(5):
            await status(state, *(said(run, "success") for run in all_runs(state)))
            await command(state, StartScoringRun(f"s-{place}", NAME))

        assert len(all_runs(state)) <= 4


class TestSchedules:
    """FireScoringJob, and the clock that says it."""

    @staticmethod
    async def fire(state: Worker, due: int, at: int) -> None:
        topic = state.runtime.topics.scoring_job_commands
        message = state.message(topic, NAME.encode(), FireScoringJob(f"d-1@{due}", NAME, due))
        message.timestamp = at / 1000
        await state.consume(topic, message)

    async def test_each_time_once(self, state: Worker) -> None:
        """However often it is said, also after the run was removed."""
        await command(state, SCHEDULED)
        due = job(state).next_due
        assert due is not None
        for _ in range(3):
            await self.fire(state, due, due + 200)
        (run,) = all_runs(state)
        assert (run.due, run.name, job(state).next_due) == (due, "bj-1", due + 3_600_000)
        await command(state, OperateScoringRun("p-1", NAME, run.run_id, "delete"))
        await self.fire(state, due, due + 400)

        assert all_runs(state) == []
        assert state.dead() == []

    async def test_a_crash_between_the_rows(self, state: Worker) -> None:
        """The run is there, the job's next time is not: said again, the same run is found."""
        await command(state, SCHEDULED)
        before = job(state)
        assert before.next_due is not None
        await self.fire(state, before.next_due, before.next_due)
        (run,) = all_runs(state)
        own = ScoringJobsState.of(state.runtime)
        await own.jobs.put(0, NAME.encode(), before)
        await own.runs.put(0, runs.key_of(NAME, run.run_id), replace(run, status="success"))
        await self.fire(state, before.next_due, before.next_due + 100)

        assert [one.run_id for one in all_runs(state)] == [run.run_id]
        assert job(state).next_due == before.next_due + 3_600_000

    @pytest.mark.parametrize("later", [100, 2 * 3_600_000])
    async def test_a_crash_before_a_trainer_was_told(self, state: Worker, later: int) -> None:
        """The row of the run alone is there: said again, hours later too, a trainer is told, and time goes on."""
        await command(state, SCHEDULED)
        before = job(state)
        assert before.next_due is not None
        state.publisher.failing.add(state.runtime.topics.scoring_runs)
        with suppress(DeliveryError):
            await self.fire(state, before.next_due, before.next_due)
        (run,) = all_runs(state)
        assert (run.status, run.offset, job(state).next_due) == ("running", -1, before.next_due)
        assert not Clock(state.runtime)._run_goes_on(job(state))
        state.publisher.failing.clear()

        await self.fire(state, before.next_due, before.next_due + later)
        (told_of,) = told(state)
        await status(state, said(run, "success"))

        assert (told_of.run_id, job(state).next_due) == (
            run.run_id,
            before.next_due + (1 + later // 3_600_000) * 3_600_000,
        )
        await self.fire(state, job(state).next_due or 0, job(state).next_due or 0)
        assert len(all_runs(state)) == 2

    async def test_not_before_it_is_due(self, state: Worker) -> None:
        """A producer that says so is told."""
        await command(state, SCHEDULED)
        due = job(state).next_due
        assert due is not None
        await self.fire(state, due, due - 1)

        assert all_runs(state) == []
        assert [letter["error"].startswith("due:") for letter in state.dead()] == [True]

    @pytest.mark.parametrize(("policy", "count"), [("once", 1), ("skip", 0)])
    async def test_times_that_were_missed(self, state: Worker, policy: str, count: int) -> None:
        """Of five hours the last is made up for, or none; the next is in the future."""
        await command(state, replace(SCHEDULED, missed_runs=policy))
        due = job(state).next_due
        assert due is not None
        now = due + 4 * 3_600_000 + 120_000
        await self.fire(state, due, now)

        assert [run.due for run in all_runs(state)] == [due + 4 * 3_600_000] * count
        assert job(state).next_due == due + 5 * 3_600_000

    async def test_runs_of_a_schedule_do_not_overlap(self, state: Worker) -> None:
        """What becomes due while one goes on is made up for when that has ended."""
        await command(state, SCHEDULED)
        first = job(state).next_due
        assert first is not None
        await self.fire(state, first, first)
        second = job(state).next_due
        assert second is not None
        await self.fire(state, second, second)
        assert len(all_runs(state)) == 1
        await status(state, said(all_runs(state)[0], "success"))
        await self.fire(state, second, second + 5000)

        assert [run.due for run in all_runs(state)] == [first, second]

    async def test_the_clock_waits_for_the_end_of_a_run_and_reads_what_has_changed(
        self, state: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It lists no rows while nothing changes, neither while it waits for a run."""
        monkeypatch.setattr(clock, "owned_offsets", lambda *_: (7, dict.fromkeys(range(4), 0)))
        own, topic = ScoringJobsState.of(state.runtime), state.runtime.topics.scoring_job_commands
        now, listed = [NOW], []
        watch = Clock(state.runtime, lambda: now[0])
        await watch.look()
        for table in (own.jobs, own.runs):
            monkeypatch.setattr(
                table, "beginning_with", lambda key, list_=table.beginning_with: listed.append(key) or list_(key)
            )
        await command(state, SCHEDULED)
        first = job(state).next_due
        assert first is not None

        async def said_at(moment: int, *, looks: int = 1) -> list[int]:
            now[0] = moment
            listed.clear()
            for _ in range(looks):
                await watch.look()
            found = [one.due for one in state.events(topic)]
            state.forget()
            return found

        assert (await said_at(first - 1, looks=9), listed) == ([], [])
        assert await said_at(first) == [first]
        await self.fire(state, first, first)
        second = job(state).next_due
        assert second is not None
        assert (await said_at(second, looks=9), len(listed)) == ([], 1)  # the runs of this job
        await status(state, said(all_runs(state)[0], "success"))
        assert await said_at(second + 1) == [second]
        assert (await said_at(second + 2, looks=9), listed) == ([], [])

    async def test_the_clock_says_what_is_due(self, state: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of jobs whose partition is this worker's, once until it has had no effect for a while."""
        owned: dict[int, int | None] = dict.fromkeys(range(4), 0)
        monkeypatch.setattr(clock, "owned_offsets", lambda *_: (7, owned))
        await command(state, SCHEDULED)
        due = job(state).next_due
        assert due is not None
        times = iter([due - 1, due, due + 500, due + 11_000, due + 30_000])
        watch = Clock(state.runtime, lambda: next(times))
        topic = state.runtime.topics.scoring_job_commands
        counts = []
        for place in range(5):
            if place == 4:
                owned.clear()
            await watch.look()
            counts.append(len(state.events(topic)))

        assert counts == [0, 1, 1, 2, 2]
        assert {(one.job_name, one.due) for one in state.events(topic)} == {(NAME, due)}
        assert len({one.command_id for one in state.events(topic)}) == 1
