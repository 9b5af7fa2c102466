"""The calculation of docs/scaling.md: amounts that can be checked by hand."""

from dataclasses import replace

import pytest

from benchmarks.scaling_model import Costs, Plan, main, need

COSTS = Costs(
    state_us=700,
    trainer_us=1400,
    broker_us=350,
    model_ms=7,
    command_bytes=1000,
    answer_bytes=100,
    changelog_bytes=10,
    result_memory=1024,
    forecast_memory=1024,
    index_memory=512,
    disk_row_bytes=2048,
    state_mib=1024,
    recovery_rows=1000,
    disk_recovery_rows=500,
)
PLAN = Plan(
    series=2**20,
    every_s=86_400,
    within_s=2**20 / 1000,
    results=1,
    copies=2,
    store="memory",
    worker_gib=2,
    cores=4,
)


def test_a_thousand_series_a_second() -> None:
    """One and four cores at 70 %, two GiB of rows in workers that have room for one."""
    found = need(PLAN, COSTS)

    assert (found.rate, found.jobs) == (1000, 11)
    assert (found.state_workers, found.worker_gib) == (2, 2)
    assert (found.trainers, round(found.model_cores, 9), round(found.broker_cores, 9)) == (3, 10, 1)
    assert found.partitions == 4
    assert found.log_gib == 2 * (7 * 1000 + 28 * 100 + 10) / 1024
    assert (found.recovery_s, found.table_disk_gib) == (2 * 2**20 / 2 / 1000, 0)


def test_rocksdb_moves_rows_to_the_disk() -> None:
    """The index stays in memory, so one worker is enough."""
    found = need(replace(PLAN, store="rocksdb"), COSTS)

    assert (found.state_workers, found.worker_gib, found.table_disk_gib) == (1, 1.5, 2)
    assert found.recovery_s == 2 * 2**20 / 500


@pytest.mark.parametrize(
    ("change", "bound"),
    [
        ({"series": 1000}, "nothing"),
        ({}, "trainers"),
        ({"cores": 16, "series": 2**23, "within_s": 2**23 / 100}, "state: memory"),
    ],
)
def test_what_is_needed_most(change: dict[str, float], bound: str) -> None:
    """The reason for as many partitions."""
    assert need(replace(PLAN, **change), COSTS).bound == bound  # type: ignore[arg-type]


def test_more_than_there_may_be_is_said() -> None:
    """A ts_id has six bits for its partition."""
    found = need(replace(PLAN, series=2**27, within_s=86_400.0), COSTS)

    assert (found.state_workers, found.fits) == (256, False)


def test_the_sizes_of_the_docs_fit(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m benchmarks.scaling_model`, and every cost is an option."""
    main([])
    shown = capsys.readouterr().out
    assert "100,000,000" in shown
    assert "(most" not in shown

    main(["--series", "100000000", "--result-memory", "6000"])
    assert "(most" in capsys.readouterr().out
