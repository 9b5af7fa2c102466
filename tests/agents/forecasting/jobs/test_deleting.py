"""Deleting jobs, and what is no command of ours at all."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from mode.supervisors import CrashingSupervisor

from connectors.kafka.publisher import DeliveryError
from schemas.forecasting import ConfigureJob, JobRecord
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from tests.agents.bench import AT, CODEC, Worker, headers
from tests.agents.forecasting.jobs.samples import (
    CONFIGURE,
    CREATE,
    DELETE,
    HOME,
    JOB_ID,
    job_of,
    restarted,
    result,
    results,
    submission,
    training,
)


class TestDeleting:
    """DeleteJob."""

    async def test_everything_of_the_job_goes(self, state: Worker, first: int) -> None:
        """Row, results, split, and by tombstones the public status and forecasts."""
        await state.commands(submission(training(first)))
        await results(state, result(first, 0))
        split = job_of(state).split
        state.runtime.store.put_bytes(f"splits/{JOB_ID}/refused.npz", b"made before its PUT was refused")
        state.forget()
        await state.commands(DELETE)
        topics = state.runtime.topics

        assert (
            ForecastingState.of(state.runtime).jobs.get(JOB_ID),
            len(ForecastingState.of(state.runtime).jobs),
            len(ForecastingState.of(state.runtime).results),
        ) == (None, 0, 0)
        [series_ids] = [record for record in state.publisher.records if (record.key or b"").startswith(b"-")]
        assert CODEC.decode(series_ids.value).first_ts_id == first  # so that they are not given again
        assert {
            (record.topic, record.key, record.value) for record in state.publisher.records if record is not series_ids
        } == {
            (topics.jobs_changelog, b"7", None),
            (topics.results_changelog, b"7:%d:0" % first, None),
            (topics.job_status, b"7", None),
            (topics.forecasts, b"%d" % first, None),
        }
        assert not state.runtime.store.exists(split)
        assert not state.runtime.store.exists(f"splits/{JOB_ID}")

    async def test_a_second_deletion_is_refused(self, state: Worker, first: int) -> None:
        """There is nothing left; the sender is told as over HTTP."""
        await state.commands(DELETE, replace(DELETE, command_id="again"))

        assert [letter["error"] for letter in state.dead()] == ["there is no job 7"]

    async def test_a_repeat_of_a_deletion_is_harmless(
        self, state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch, first: int
    ) -> None:
        """Killed behind the last step, before the command was acknowledged: whoever reads it again has nothing to say.

        Of a job that never was there is.
        """
        del first
        await state.commands(DELETE, DELETE)
        following = await restarted(state, settings, monkeypatch)
        await following.commands(DELETE)

        assert not state.dead()
        assert not following.dead()
        await following.commands(replace(DELETE, job_id=JOB_ID + 1))
        assert [letter["error"] for letter in following.dead()] == ["there is no job 8"]

    @pytest.mark.parametrize("lost", ["results_changelog", "job_status", "forecasts"])
    async def test_a_deletion_cut_short_is_completed(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch, lost: str
    ) -> None:
        """The row may be gone from its changelog while results or the public status are not yet."""
        await state.commands(submission(training(first)))
        await results(state, result(first, 0))
        topics = state.runtime.topics
        state.publisher.failing = {getattr(topics, lost)}
        with pytest.raises(DeliveryError):
            await state.commands(DELETE)
        following = await restarted(state, settings, monkeypatch)
        await following.commands(DELETE)

        log = [*state.publisher.log, *following.publisher.log]
        left = {record.key: record.value for record in log if record.topic == getattr(topics, lost)}
        assert set(left.values()) == {None}
        assert not following.dead()
        assert len(ForecastingState.of(following.runtime).results) == 0


class TestDoor:
    """What any command has to be."""

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (b"", "0 bytes are too few"),
            (b"{}     ", "first byte is 123"),
            (None, "no value (tombstone)"),
            (b"\0\0\0\0\0", "unknown schema id 0"),
            (CODEC.encode(CREATE)[:-3], "does not fit the bytes"),
            (CODEC.encode(result(1, 0)), "a SeriesResult on the topic of job commands"),
            (CODEC.encode(JobRecord(7, 2, None, 1, 0)), "a JobRecord on the topic of job commands"),
        ],
    )
    async def test_what_is_no_command_is_a_dead_letter(self, state: Worker, value: bytes | None, reason: str) -> None:
        """With key, bytes, place and reason; the commands around it are applied."""
        topic = state.runtime.topics.job_commands
        messages = [state.message(topic, b"7", one) for one in (CREATE, value, CONFIGURE)]
        await state.consume(topic, *messages)
        (letter,) = state.sent(state.runtime.topics.dead_letters)

        assert (letter.key, letter.value) == (b"7", value)
        assert reason in headers(letter)["error"]
        assert (headers(letter)["topic"], headers(letter)["offset"]) == (topic, "1")
        assert job_of(state).series_count == 3
        assert state.committed(messages[-1])

    @pytest.mark.parametrize("key", [b"8", b"07", b"", b"\0\0\0\7"])
    async def test_a_command_under_another_key_is_a_dead_letter(self, state: Worker, key: bytes) -> None:
        """It would be applied where its job is not, or out of order."""
        await state.commands(CREATE, key=key)

        assert ForecastingState.of(state.runtime).jobs.ids() == []
        assert [letter["error"] for letter in state.dead()] == ["the record's key must be the job_id, 7, as text"]

    async def test_a_command_without_a_key_is_a_dead_letter(self, state: Worker) -> None:
        """Kafka would spread such records over all partitions."""
        topic = state.runtime.topics.job_commands
        await state.consume(topic, state.message(topic, None, CREATE))

        assert ["key must be the job_id" in letter["error"] for letter in state.dead()] == [True]

    async def test_D12_a_command_in_another_partition_is_sent_to_its_own(self, state: Worker) -> None:
        """Kafka's C clients place keys by another hash: their commands take effect all the same, in their order."""
        topic = state.runtime.topics.job_commands
        elsewhere = [state.message(topic, b"7", one, partition=(HOME + 1) % 4) for one in (CREATE, CONFIGURE)]
        await state.consume(topic, *elsewhere)
        moved = state.sent(topic)

        assert ForecastingState.of(state.runtime).jobs.ids() == []
        assert [(one.key, one.value, one.partition) for one in moved] == [(b"7", m.value, HOME) for m in elsewhere]
        assert {one.timestamp_ms for one in moved} == {int(AT * 1000)}

    async def test_jobs_of_one_batch_do_not_wait_for_one_another(self, state: Worker) -> None:
        """A slow split of one job holds up that job alone; commands of one job keep their order."""
        gate, make = asyncio.Event(), ForecastingState.of(state.runtime).splits.make

        async def slow(command: ConfigureJob, *rest: Any) -> Any:
            if command.job_id == JOB_ID:
                await gate.wait()
            return await make(command, *rest)

        ForecastingState.of(state.runtime).splits.make = slow
        topic = state.runtime.topics.job_commands
        commands = [CREATE, CONFIGURE, DELETE] + [replace(one, job_id=8) for one in (CREATE, CONFIGURE)]
        task = state.start(topic, *(state.message(topic, b"%d" % one.job_id, one) for one in commands))
        async with asyncio.timeout(20):
            while (other := ForecastingState.of(state.runtime).jobs.get(8)) is None or not other.series_count:
                await asyncio.sleep(0.001)
        assert job_of(state).series_count == 0
        gate.set()
        await state.settled(task)
        task.cancel()

        assert ForecastingState.of(state.runtime).jobs.ids() == [8]
        assert state.dead() == []

    def test_the_agents_end_the_process_when_they_fail(self, state: Worker) -> None:
        """Faust would go on after the failed batch; the crash makes the next start read it again."""
        agents = state.runtime.app.agents

        assert {agent.supervisor_strategy for agent in agents.values()} == {CrashingSupervisor}
