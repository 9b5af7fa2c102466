"""Commands about experiments and runs in; rows, answers and dead letters out."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.tracking import CreateExperiment, TrackedRun, TrackRun
from streams.errors import RejectedError
from streams.tracking import experiments
from streams.tracking.runs import summary_of, uid_of
from streams.tracking.state import TrackingState
from tests.agents.bench import Worker

AT = 1_600_000_000_000
SALES = CreateExperiment("c-1", experiments.id_of("sales"), "sales", {"team": "a"})
BEGIN = TrackRun("c-2", "run-abc", "abc", "mlflow", begin=True, experiment_id="7", name="first", start_time=5)


async def consumed(state: Worker, *commands: Any, key: bytes | None = None) -> list[Any]:
    """Let the agent take commands under their own keys, or under `key`."""
    topic = state.runtime.topics.tracking_commands
    made = []
    for command in commands:
        own = command.workload_uid if isinstance(command, TrackRun) else command.experiment_id
        made.append(state.message(topic, own.encode() if key is None else key, command))
    await state.consume(topic, *made)
    return made


def run(state: Worker, uid: str = "run-abc") -> TrackedRun | None:
    return TrackingState.of(state.runtime).runs.get(uid.encode())


async def test_an_experiment_is_kept_and_a_repeat_changes_nothing(state: Worker) -> None:
    """Another of its name becomes a dead letter."""
    (sent, _) = await consumed(state, SALES, SALES)
    found = TrackingState.of(state.runtime).experiments.get(SALES.experiment_id.encode())
    assert state.dead() == []
    await consumed(state, replace(SALES, command_id="c-9"))

    assert found is not None
    assert (found.name, found.created_at, found.tags) == ("sales", AT, {"team": "a"})
    assert state.committed(sent)
    assert "there is an experiment 'sales' already" in state.dead()[0]["error"]


async def test_a_run_is_begun_and_changed(state: Worker) -> None:
    """What a command leaves out stays; said twice it comes to the same."""
    change = TrackRun("c-3", "run-abc", "abc", "mlflow", begin=False, status="finished", end_time=9, params={"lr": "1"})
    tag = replace(change, command_id="c-4", status=None, end_time=None, params={"lr": "1", "b": "2"}, tags={"k": "v"})
    await consumed(state, BEGIN, change, tag)
    first = run(state)
    await consumed(state, BEGIN, change, tag)

    assert first == run(state)
    assert first is not None
    assert (first.name, first.status, first.start_time, first.end_time) == ("first", "finished", 5, 9)
    assert (first.params, first.tags, first.created_at) == ({"lr": "1", "b": "2"}, {"k": "v"}, AT)
    assert summary_of(first) == {"name": "first", "kind": "mlflow-run", "status": "succeeded", "create_time": 5}
    assert state.dead() == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (replace(BEGIN, workload_uid="run-x", run_id="x", begin=False), "there is no run 'x'"),
        (replace(BEGIN, client="wandb"), "choose another one"),
        (replace(BEGIN, begin=False, params={"lr": "2"}), "parameters do not change"),
        (replace(BEGIN, status="lost"), "expected one of running"),
        (replace(BEGIN, client="other"), "expected one of wandb, mlflow"),
        (replace(BEGIN, workload_uid="run-else"), "expected the one that follows from the run_id"),
        (replace(BEGIN, name="x" * 501), "at most 500"),
        (replace(BEGIN, tags={"k": "x" * 8001}), "at most 8000"),
        (replace(BEGIN, tags={f"k{n}": "x" * 8000 for n in range(40)}), "at most 262144"),
        (replace(SALES, experiment_id="5"), "expected the one that follows from the name"),
        (replace(SALES, experiment_id="0", name="Default"), "there is an experiment 'Default' already"),
    ],
    ids=range(11),
)
async def test_a_wrong_command_becomes_a_dead_letter(state: Worker, command: Any, words: str) -> None:
    """With the reason; the run stays as it was, and the commands behind it are applied."""
    await consumed(state, BEGIN, replace(BEGIN, command_id="c-5", begin=False, params={"lr": "1"}))
    before = run(state)
    await consumed(state, command, replace(BEGIN, command_id="c-6", workload_uid="run-b", run_id="b"))

    assert words in state.dead()[0]["error"]
    assert run(state) == before
    assert run(state, "run-b") is not None


async def test_a_command_under_a_wrong_key_is_refused(state: Worker) -> None:
    """Its row would be another worker's."""
    await consumed(state, BEGIN, key=b"abc")

    assert "the record's key must be the workload_uid, run-abc" in state.dead()[0]["error"]


async def test_who_waits_is_told(state: Worker) -> None:
    """The row, or why there is none."""
    with state.runtime.waiters.waiting("c-2") as good, state.runtime.waiters.waiting("c-3") as bad:
        await consumed(state, BEGIN, replace(BEGIN, command_id="c-3", status="lost"))

        assert (await good).run_id == "abc"
        with pytest.raises(RejectedError, match="status"):
            await bad
    assert state.dead() == []


@pytest.mark.parametrize("run_id", ["a" * 125, "a b", "ä", "a/b", ""])
def test_any_run_id_has_a_uid(run_id: str) -> None:
    """As contract 004 allows them, and another one for each."""
    assert uid_of(run_id) != uid_of(f"{run_id}_")
    assert len(uid_of(run_id)) <= 128
    assert uid_of(run_id).isascii()
    assert " " not in uid_of(run_id)
