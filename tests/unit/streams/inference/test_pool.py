"""Requests of endpoints and the processes that answer them: together, in turn, in time, and whatever is killed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.processes import process_set
from streams.inference.calls import (
    InferenceCall,
    InferenceClosedError,
    InferenceError,
    InferenceUnavailableError,
    ModelMissingError,
)
from streams.inference.pool import InferencePool
from streams.serving import processes as serving_processes
from streams.settings import Settings
from tests.endpoints import endpoint
from tests.unit.streams.inference.inference_models import call, told
from tests.waiting import until

WITHIN_S = 30.0  # a busy machine needs seconds for what takes milliseconds here
LARGE = 300_000
DEMO = endpoint("demo")


@asynccontextmanager
async def pool_of(workers: int | None, **settings: Any) -> AsyncIterator[InferencePool]:
    """A pool whose processes run the test's model; those of a given number are there already."""
    pool = InferencePool(
        Settings(model_server_workers=workers, **settings),
        entry="tests.unit.streams.inference.inference_models:serve",
        preload=(),
    )
    try:
        async with asyncio.timeout(2 * WITHIN_S):
            while workers and len(pool.pids) < workers:  # while one is busy the next is started
                await asyncio.gather(*(pool.ask(DEMO, call("sleep", 0.05), patient=True) for _ in range(2 * workers)))
            while pool._processes.idle < (workers or 0):  # the last may have its id and still be loading
                await asyncio.sleep(0.01)
            yield pool
    finally:
        await pool.close()


def lines(path: Path) -> int:
    """How many notes were taken."""
    return len(path.read_text().splitlines()) if path.exists() else 0


async def begun(asking: Any, path: Path) -> "asyncio.Task[Any]":
    """The task of a call that takes a note when it begins, as soon as it has."""
    before = lines(path)
    task = asyncio.ensure_future(asking)
    await until(lambda: lines(path) > before)
    return task


async def test_calls_that_wait_for_the_same_model_are_answered_together(tmp_path: Path) -> None:
    """While the only process is busy they gather; the one that found it idle was not kept waiting for company."""
    async with pool_of(1) as pool:
        first = await begun(pool.ask(DEMO, call("stay", tmp_path / "notes", 0.3)), tmp_path / "notes")
        others = await asyncio.gather(*(pool.ask(DEMO, call()) for _ in range(10)))

        assert told(await first)["together"] == 1
        assert [told(reply)["together"] for reply in others] == [10] * 10


async def test_no_more_than_32_calls_are_together(tmp_path: Path) -> None:
    """They wait for one another."""
    async with pool_of(1) as pool:
        await begun(pool.ask(DEMO, call("stay", tmp_path / "notes", 0.3)), tmp_path / "notes")
        others = await asyncio.gather(*(pool.ask(DEMO, call()) for _ in range(40)))

        assert sorted(told(reply)["together"] for reply in others) == [8] * 8 + [32] * 32


async def test_models_are_not_mixed_and_take_turns(tmp_path: Path) -> None:
    """A single call of one model is not behind the hundred of another."""
    async with pool_of(1) as pool:
        await begun(pool.ask(DEMO, call("stay", tmp_path / "notes", 0.3)), tmp_path / "notes")
        order: list[str] = []

        async def ask(name: str) -> None:
            reply = await pool.ask(endpoint(name), call())
            assert told(reply)["model"] == f"endpoints/{name}/1/model.npz"
            order.append(name)

        await asyncio.gather(*(ask("busy") for _ in range(100)), ask("quiet"))

        assert order.index("quiet") == 32


async def test_what_waits_is_shared_among_the_processes_that_are_idle() -> None:
    """Ten calls at once for two processes: each is given half, none is idle."""
    async with pool_of(2) as pool:
        replies = await asyncio.gather(*(pool.ask(DEMO, call("sleep", 0.02)) for _ in range(10)))
        pids = [told(reply)["pid"] for reply in replies]

        assert set(pids) == set(pool.pids)
        assert max(told(reply)["together"] for reply in replies) <= 9  # the first went at once, the rest gathered


async def test_large_calls_never_take_the_last_process() -> None:
    """However many there are, a small one is answered meanwhile."""
    async with pool_of(2) as pool:
        large = [asyncio.ensure_future(pool.ask(DEMO, call("sleep", 0.5, size=LARGE))) for _ in range(3)]
        await asyncio.sleep(0.1)
        small = told(await pool.ask(DEMO, call()))
        done_meanwhile = sum(task.done() for task in large)
        replies = [told(reply) for reply in await asyncio.gather(*large)]

        assert done_meanwhile == 0
        assert small["pid"] not in {reply["pid"] for reply in replies}
        assert [reply["together"] for reply in replies] == [1, 1, 1]


async def test_a_large_call_is_computed_where_there_is_only_one_process() -> None:
    """Late is better than never."""
    async with pool_of(1) as pool:
        assert (await pool.ask(DEMO, call(size=LARGE))).status == 200


async def test_a_process_that_is_killed_while_it_works_is_replaced(tmp_path: Path) -> None:
    """kill -9: the calls it had are tried again, and nobody notices."""
    async with pool_of(1) as pool:
        notes = tmp_path / "notes"
        asking = await begun(pool.ask(DEMO, call("stay", notes, 0.5)), notes)
        (victim,) = pool.pids
        os.kill(victim, signal.SIGKILL)
        reply = told(await asking)

        assert reply["pid"] != victim
        assert pool.pids == [reply["pid"]]


async def test_processes_killed_while_idle_fail_nothing() -> None:
    """Their end is seen before they are given work."""
    async with pool_of(2) as pool:
        victims = pool.pids
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        replies = await asyncio.gather(*(pool.ask(DEMO, call()) for _ in range(5)))

        assert not {told(reply)["pid"] for reply in replies} & set(victims)


async def test_a_call_that_kills_every_process_fails_and_its_mates_do_not(tmp_path: Path) -> None:
    """After the first time each is tried alone."""
    async with pool_of(1) as pool:
        notes = tmp_path / "notes"
        first = await begun(pool.ask(DEMO, call("stay", notes, 0.2)), notes)
        asked = [pool.ask(DEMO, call("kill" if place == 3 else "")) for place in range(6)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        await first

        assert [told(answer)["together"] for answer in answers[:3] + answers[4:]] == [1] * 5
        assert isinstance(answers[3], InferenceError)
        assert (answers[3].status, answers[3].code) == (500, "InternalError")
        assert "killed or out of memory" in answers[3].message


async def test_a_call_whose_time_is_up_fails_and_its_process_ends(tmp_path: Path) -> None:
    """504, and no work is left behind."""
    async with pool_of(1, inference_timeout_s=0.5) as pool:
        notes = tmp_path / "notes"
        (pid,) = pool.pids
        with pytest.raises(InferenceError, match=r"no answer within 0\.5 s: send fewer series") as failed:
            await pool.ask(DEMO, call("stay", notes, 60))
        await until(lambda: pool.pids != [pid])
        after = await pool.ask(DEMO, call(), patient=True)  # its process is just being started

        assert failed.value.status == 504
        assert lines(notes) == 1
        assert told(after)["pid"] != pid


async def test_the_mates_of_a_call_whose_time_is_up_are_tried_again(tmp_path: Path) -> None:
    """Those that came later have time left."""
    async with pool_of(1, inference_timeout_s=1.5) as pool:
        notes = tmp_path / "notes"
        first = await begun(pool.ask(DEMO, call("stay", notes, 0.8)), notes)
        slow = asyncio.ensure_future(pool.ask(DEMO, call("sleep", 60)))
        await asyncio.sleep(0.6)
        mate = asyncio.ensure_future(pool.ask(DEMO, call()))
        await first
        with pytest.raises(InferenceError) as failed:
            await slow

        assert failed.value.status == 504
        assert told(await mate)["together"] == 1


async def test_the_time_that_a_call_has_left_is_told() -> None:
    """So that a process can refuse at once what it cannot do in time."""
    async with pool_of(1, inference_timeout_s=60.0) as pool:
        left = told(await pool.ask(DEMO, call()))["left"]

        assert 30 < float(left) <= 60


async def test_a_patient_call_may_wait_but_not_compute_for_ever(tmp_path: Path) -> None:
    """An event has no one who waits for its answer; still it must not keep a process."""
    async with pool_of(1, inference_timeout_s=0.6) as pool:
        notes = tmp_path / "notes"
        await begun(pool.ask(DEMO, call("stay", notes, 0.4), patient=True), notes)
        behind = [
            asyncio.ensure_future(pool.ask(endpoint(name), call("sleep", 0.4), patient=True)) for name in ("a", "b")
        ]
        waited = [(await one).status for one in behind]
        with pytest.raises(InferenceError) as failed:
            await pool.ask(DEMO, call("sleep", 60), patient=True)

        assert waited == [200, 200]
        assert failed.value.status == 504


async def test_D046_who_would_only_wait_for_others_is_told_so_at_once(tmp_path: Path) -> None:
    """504 long before the time is up, which says that it is the crowd's fault; an idle model's line is not crowded."""
    async with pool_of(1, inference_timeout_s=2.0) as pool:
        notes = tmp_path / "notes"
        measured = [asyncio.ensure_future(pool.ask(DEMO, call("sleep", 0.1))) for _ in range(4)]
        await asyncio.gather(*measured)
        await begun(pool.ask(DEMO, call("stay", notes, 1.0)), notes)
        crowd = [asyncio.ensure_future(pool.ask(DEMO, call("sleep", 0.1), patient=True)) for _ in range(40)]
        await asyncio.sleep(0)
        asked = asyncio.get_running_loop().time()
        with pytest.raises(InferenceError, match=r"crowded: 40 requests wait, about .* s of work") as refused:
            await pool.ask(DEMO, call())

        assert refused.value.status == 504
        assert asyncio.get_running_loop().time() - asked < 1.5
        for one in crowd:
            one.cancel()


async def test_D046_who_waited_in_vain_is_told_that_it_waited(tmp_path: Path) -> None:
    """And who computed in vain, that it asked for too much."""
    async with pool_of(1, inference_timeout_s=0.5) as pool:
        await pool.ask(DEMO, call(), patient=True)  # so that the process is there: both times end together
        first = asyncio.ensure_future(pool.ask(endpoint("other"), call("stay", tmp_path / "notes", 60)))
        second = asyncio.ensure_future(pool.ask(DEMO, call()))
        with pytest.raises(InferenceError, match=r"crowded: this request waited 0\.\d+ s for others") as waited:
            await second
        with pytest.raises(InferenceError, match="send fewer series per request") as computed:
            await first

        assert (waited.value.status, computed.value.status) == (504, 504)


async def test_no_more_wait_than_the_setting_says(tmp_path: Path) -> None:
    """503 at once for the one too many; a patient one may always wait."""
    async with pool_of(1, max_waiting_inferences=2) as pool:
        await begun(pool.ask(DEMO, call("stay", tmp_path / "notes", 0.3)), tmp_path / "notes")
        waiting = [asyncio.ensure_future(pool.ask(DEMO, call())) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(InferenceError) as refused:
            await pool.ask(DEMO, call())
        patient = await pool.ask(DEMO, call(), patient=True)

        assert refused.value.status == 503
        assert [(await one).status for one in waiting] == [200, 200]
        assert patient.status == 200


async def test_a_call_that_nobody_waits_for_is_not_begun(tmp_path: Path) -> None:
    """Its client has gone."""
    async with pool_of(1) as pool:
        first = await begun(pool.ask(DEMO, call("stay", tmp_path / "first", 0.3)), tmp_path / "first")
        second = asyncio.ensure_future(pool.ask(DEMO, call("note", tmp_path / "second")))
        await asyncio.sleep(0)
        second.cancel()
        await first
        await pool.ask(DEMO, call())

        assert lines(tmp_path / "second") == 0


async def test_a_process_that_computes_for_nobody_is_ended(tmp_path: Path) -> None:
    """After a second in which most answers would have come; the others have it for themselves again."""
    async with pool_of(1) as pool:
        notes = tmp_path / "notes"
        (pid,) = pool.pids
        asking = await begun(pool.ask(DEMO, call("stay", notes, 60)), notes)
        asking.cancel()
        after = await pool.ask(DEMO, call())

        assert told(after)["pid"] != pid
        assert lines(notes) == 1


@pytest.mark.parametrize(
    ("what", "expected"), [("missing", ModelMissingError), ("unreadable", InferenceUnavailableError)]
)
async def test_trouble_with_the_model_is_told_apart(what: str, expected: type[Exception]) -> None:
    """One calls for another look at the endpoint, the other for patience; the process goes on in both cases."""
    async with pool_of(1) as pool:
        pids = pool.pids
        with pytest.raises(expected):
            await pool.ask(DEMO, call(what))

        assert told(await pool.ask(DEMO, call()))["pid"] == pids[0]


async def test_a_bug_fails_its_own_call_only(tmp_path: Path) -> None:
    """And its text stays in the log."""
    async with pool_of(1) as pool:
        await begun(pool.ask(DEMO, call("stay", tmp_path / "notes", 0.2)), tmp_path / "notes")
        good, bad = await asyncio.gather(pool.ask(DEMO, call()), pool.ask(DEMO, call("wrong")), return_exceptions=True)

        assert told(good)["together"] == 1
        assert isinstance(bad, InferenceError)
        assert bad.status == 500
        assert "ZeroDivision" not in bad.message


async def test_what_cannot_even_be_sent_fails() -> None:
    """Rather than to be waited for."""
    async with pool_of(1) as pool:
        unsendable = InferenceCall({"target": [], "start": lambda: None}, "instance")
        with pytest.raises(InferenceError) as failed:
            await pool.ask(DEMO, unsendable, patient=True)

        assert failed.value.status == 500
        assert (await pool.ask(DEMO, call())).status == 200


async def test_nothing_can_be_asked_when_no_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said at once, and is tried again with the next call."""
    pool = InferencePool(Settings(model_server_workers=1), entry="tests.unit.no_such_module:serve", preload=())
    monkeypatch.setattr(process_set, "_PAUSES_S", (0.0,))
    try:
        with pytest.raises(InferenceUnavailableError, match=r"^no process that computes forecasts can be started$"):
            await pool.ask(DEMO, call(), patient=True)
        monkeypatch.setattr(pool._processes, "_entry", "tests.unit.streams.inference.inference_models:serve")

        assert (await pool.ask(DEMO, call())).status == 200
    finally:
        await pool.close()


async def test_a_process_can_be_there_before_the_first_call() -> None:
    """One, however often it is asked for; and none once the pool is closed."""
    pool = InferencePool(
        Settings(model_server_workers=2), entry="tests.unit.streams.inference.inference_models:serve", preload=()
    )
    try:
        for _ in range(3):
            pool.warm()
        await until(lambda: pool._processes.idle)
        (pid,) = pool.pids
        pool.warm()

        assert not pool._processes._starting
        assert told(await pool.ask(DEMO, call()))["pid"] == pid
        assert pool.pids == [pid]
    finally:
        await pool.close()
    pool.warm()
    assert pool._processes._starting is False


@pytest.mark.slow
async def test_D044_memory_that_is_short_keeps_it_to_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one is started anyhow; where memory is not short there is one per core."""
    monkeypatch.setattr(serving_processes, "free_memory", lambda: 1_000_000)
    monkeypatch.setattr(serving_processes, "cores", lambda: 3)
    async with pool_of(None) as pool:
        await asyncio.gather(*(pool.ask(DEMO, call("sleep", 0.1)) for _ in range(8)))
        in_need = len(pool.pids)
        monkeypatch.setattr(serving_processes, "free_memory", lambda: 10**12)
        for _ in range(3):
            await asyncio.gather(*(pool.ask(endpoint(name), call("sleep", 0.5)) for name in "abcd"))

        assert in_need == 1
        assert len(pool.pids) == 3


async def test_D045_the_setting_overrides_the_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """MODEL_SERVER_WORKERS, however little memory and how many cores there are."""
    monkeypatch.setattr(serving_processes, "free_memory", lambda: 0)
    monkeypatch.setattr(serving_processes, "cores", lambda: 1)
    async with pool_of(2) as pool:
        assert len(pool.pids) == 2


async def test_close_ends_what_works_and_what_waits(tmp_path: Path) -> None:
    """At once, and for good."""
    async with pool_of(1) as pool:
        notes = tmp_path / "notes"
        asked = [await begun(pool.ask(DEMO, call("stay", notes, 60)), notes)]
        asked.append(asyncio.ensure_future(pool.ask(DEMO, call())))
        await asyncio.sleep(0)
        pids = pool.pids
        await pool.close()
        answers = await asyncio.gather(*asked, return_exceptions=True)

        assert [type(answer) for answer in answers] == [InferenceClosedError] * 2
        with pytest.raises(InferenceClosedError):
            await pool.ask(DEMO, call())
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
