"""Runs and experiments of trackers: two projects may have those of one name, and neither changes the other's."""

from dataclasses import replace
from typing import Any

from schemas.tracking import CreateExperiment, TrackRun
from streams.tracking import experiments, runs
from streams.tracking.state import TrackingState
from tests.agents.bench import Worker

_BEGIN = TrackRun("c-1", "sales=run-a", "a", "mlflow", begin=True, name="sales")


async def applied(state: Worker, *commands: Any) -> None:
    """Let commands arrive, each under its key."""
    topic = state.runtime.topics.tracking_commands
    for one in commands:
        key = one.workload_uid if isinstance(one, TrackRun) else one.experiment_id
        await state.consume(topic, state.message(topic, key.encode(), one))


async def test_two_projects_have_runs_of_one_id(state: Worker) -> None:
    """What is said of the one leaves the other as it is."""
    await applied(state, _BEGIN, replace(_BEGIN, workload_uid="stock=run-a", name="stock", client="wandb"))
    await applied(state, TrackRun("c-2", "stock=run-a", "a", "wandb", begin=False, status="failed"))
    rows = TrackingState.of(state.runtime).runs
    found = {key: rows.get(key.encode()) for key in ("sales=run-a", "stock=run-a", "run-a")}

    assert [(row.name, row.status, row.run_id) if row else None for row in found.values()] == [
        ("sales", "running", "a"),
        ("stock", "failed", "a"),
        None,
    ]


async def test_nobody_speaks_of_another_projects_run(state: Worker) -> None:
    """It is there for its own project alone: for all others there is none of the id."""
    await applied(state, _BEGIN)
    state.forget()
    await applied(state, TrackRun("c-2", "run-a", "a", "mlflow", begin=False, deleted=True))
    (letter,) = state.sent(state.runtime.topics.dead_letters)

    assert b"there is no run 'a'" in b"".join(value for _, value in letter.headers)
    row = TrackingState.of(state.runtime).runs.get(b"sales=run-a")
    assert row is not None
    assert not row.deleted


async def test_two_projects_have_experiments_of_one_name(state: Worker) -> None:
    """Their ids are the same, their rows are not."""
    number = experiments.id_of("tides")
    await applied(state, CreateExperiment("c-1", f"sales={number}", "tides"), CreateExperiment("c-2", number, "tides"))
    table = TrackingState.of(state.runtime).experiments

    assert [row.command_id if (row := table.get(key.encode())) else None for key in (f"sales={number}", number)] == [
        "c-1",
        "c-2",
    ]
    assert runs.uid_of("sales=x") != "sales=x"
