"""Transform jobs from their lines to their output: what is sent when, and what is written."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agents.inference import transform_runs
from connectors.kafka.publisher import DeliveryError, partition_for
from connectors.objects.store import ObjectStore
from schemas.inference import StartTransform
from streams.inference import transforms
from streams.inference.state import TransformState
from streams.settings import Settings
from tests.agents.bench import CODEC, Worker, restarted, stopped
from tests.agents.inference.transforms_samples import (
    MODEL,
    START,
    asked,
    command,
    line,
    output,
    result,
    results,
    row,
    store,
)


class TestFlow:
    """Many lines, several jobs, and crashes."""

    async def test_a_long_job_waits_for_its_answers(
        self, state: Worker, topic: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No more than AHEAD lines are out at a time, so other jobs get their turn; the command stays open so long."""
        monkeypatch.setattr(transforms, "AHEAD", 200)
        store(state, *[line(number) for number in range(450)])
        commands = state.runtime.topics.transform_commands
        first = state.message(commands, b"b1", START)
        task = state.start(commands, first)
        sent = []
        for number in range(450):
            async with asyncio.timeout(10):
                while len(state.sent(state.runtime.topics.inference_requests)) <= number:
                    await asyncio.sleep(0)
            sent.append(len(state.sent(state.runtime.topics.inference_requests)) - number)
            name = state.runtime.topics.inference_results
            topic.append(state.message(name, b"b1", result(number)))
            tracker = state.start(name, topic[-1])
            async with asyncio.timeout(10):
                while number not in transforms.Answered.of(row(state)):
                    await asyncio.sleep(0)
            if number < 449:
                await stopped(tracker)
        await state.settled(task)
        await stopped(tracker)
        await stopped(task)

        assert max(sent) <= 200
        assert row(state).status == "Completed"
        assert output(state).count(b"\n") == 450
        assert state.committed(first)

    async def test_of_a_slow_job_few_lines_are_out(self, state: Worker) -> None:
        """Before the first answers, and so while nobody answers: the rest of the topic is for others."""
        store(state, *[line(number) for number in range(900)])
        commands = state.runtime.topics.transform_commands
        task = state.start(commands, state.message(commands, b"b1", START))
        async with asyncio.timeout(10):
            while not asked(state):
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.1)
        await stopped(task)

        assert len(asked(state)) <= 256

    def test_the_more_are_answered_the_more_are_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What takes five seconds, between 256 and AHEAD."""
        clock = [100.0]
        monkeypatch.setattr(transform_runs.time, "monotonic", lambda: clock[0])
        pace = transform_runs._Pace(1000)
        clock[0] += 2.0

        assert [pace.ahead(base) for base in (1000, 1020, 1200, 9000)] == [256, 256, 500, transforms.AHEAD]

    async def test_other_jobs_go_on_while_one_waits(
        self, state: Worker, topic: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A command behind it is applied."""
        monkeypatch.setattr(transforms, "AHEAD", 100)
        store(state, *[line(number) for number in range(300)])
        store(state, line(7), key="uploads/small.jsonl")
        commands = state.runtime.topics.transform_commands
        small = StartTransform("c-2", "b2", MODEL, "/uploads/small.jsonl", "/outputs/b2")
        task = state.start(commands, state.message(commands, b"b1", START), state.message(commands, b"b2", small))
        async with asyncio.timeout(10):
            while "b2:0" not in [request.request_id for request in asked(state)]:
                await asyncio.sleep(0.001)
        task.cancel()

        assert row(state).status == "InProgress"
        assert row(state, b"b2").lines == 1

    async def test_a_repeat_after_a_crash_sends_what_is_not_answered(
        self, state: Worker, topic: list[Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The new process has the row; the output is whole, in order and without duplicates."""
        store(state, *[line(number) for number in range(5)])
        state.publisher.failing.add(state.runtime.topics.inference_requests)
        with pytest.raises(DeliveryError):
            await command(state, START)
        second = await restarted(state, settings, monkeypatch)
        assert row(second).lines == 5
        await results(second, topic, result(3), result(1))
        await command(second, START)
        again = [request.line for request in asked(second)]
        await results(second, topic, *[result(number) for number in (4, 0, 2, 1)])

        assert again == [0, 2, 4]
        assert output(second) == b"".join(b'{"mean":[%d.0,0.1]}\n' % number for number in range(5))

    @pytest.mark.parametrize("moment", ["before it is sent", "before its output"])
    @pytest.mark.parametrize(
        ("place", "key"), [("output_key", "installation/topics.json"), ("input_path", "endpoints/m1/endpoint.json")]
    )
    async def test_a_job_of_a_release_that_let_it_into_the_services_own_folders_fails(
        self, state: Worker, topic: list[Any], moment: str, place: str, key: str
    ) -> None:
        """Nothing is read or written there."""
        store(state, line(1))
        before = state.runtime.store.keys()
        await command(state, START)
        old = replace(row(state), **{place: key}, lines=0 if moment == "before it is sent" else 1)
        partition = partition_for(b"b1", state.runtime.topics.partitions)
        await TransformState.of(state.runtime).transforms.put(partition, b"b1", old)
        if moment == "before it is sent":
            await command(state, START)
        else:
            await results(state, topic, result(0))

        assert row(state).status == "Failed"
        assert f"/{key} is the service's own" in (row(state).failure_reason or "")
        assert state.runtime.store.keys() == before

    async def test_a_crash_before_the_end_is_written_repeats_the_output(
        self, state: Worker, topic: list[Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The last results were not acknowledged, so they come again."""
        store(state, line(1))
        await command(state, START)

        def crash(*args: Any, **kwargs: Any) -> None:
            raise OSError("disk full")

        with monkeypatch.context() as broken:
            broken.setattr("agents.inference.transform_runs.write_output", crash)
            with pytest.raises(OSError, match="disk full"):
                await results(state, topic, result(0))
        second = await restarted(state, settings, monkeypatch)
        unfinished = row(second).status
        name = second.runtime.topics.inference_results
        await second.consume(name, second.message(name, b"b1", result(0)))

        assert (unfinished, row(second).status) == ("InProgress", "Completed")
        assert output(second) == b'{"mean":[0.0,0.1]}\n'

    async def test_a_result_counts_once_its_row_is_in_the_changelog(self, state: Worker, topic: list[Any]) -> None:
        """Not before: the broker may still refuse it."""
        store(state, line(1), line(2))
        await command(state, START)
        state.publisher.failing.add(state.runtime.topics.transforms_changelog)
        name = state.runtime.topics.inference_results
        message = state.message(name, b"b1", result(0))
        with pytest.raises(DeliveryError):
            await state.consume(name, message)

        assert not state.committed(message)

    async def test_after_a_rebalance_nothing_is_written(self, state: Worker, topic: list[Any]) -> None:
        """Another worker may own the job by then; the command is read again by it."""
        store(state, line(1))
        commands = state.runtime.topics.transform_commands
        message = state.message(commands, b"b1", START)
        state.publisher.held = []
        task = state.start(commands, message)
        async with asyncio.timeout(10):
            while not state.publisher.held:
                await asyncio.sleep(0.001)
        state.runtime.app.consumer_generation_id += 1
        state.publisher.release()
        await state.settled(task)
        task.cancel()

        assert row(state).lines == 0
        assert asked(state) == []
        assert not state.committed(message)


def test_the_codec_carries_what_a_row_says() -> None:
    """The bytes of `finished` among them."""
    record = transforms.answered(transforms.counted(transforms.begun(START, 1), 9), [0, 1, 5], 3)

    assert CODEC.decode(CODEC.encode(record)) == record
    assert ObjectStore is not None
