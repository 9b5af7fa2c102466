"""The calculation of docs/scaling.md: amounts that can be checked by hand."""

from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest

from benchmarks.scaling_model import Costs, Plan, main, need

COSTS = Costs(
    state_us=700,
    trainer_us=1400,
    broker_us=350,
    new_data_state_us=350,
    new_data_trainer_us=70,
    new_data_broker_us=35,
    model_ms=7,
    command_bytes=1000,
    answer_bytes=100,
    changelog_bytes=10,
    result_memory=1024,
    forecast_memory=1024,
    index_memory=512,
    disk_row_bytes=2048,
    state_mib=1024,
    disk_tables_mib=256,
    recovery_rows=1000,
    disk_recovery_rows=500,
)
PLAN = Plan(
    series=2**20,
    every_s=86_400,
    within_s=2**20 / 1000,
    new_data=False,
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
    assert (found.trainers, round(found.model_cores, 9), round(found.broker_cores, 9)) == (4, 10, 1)
    assert found.partitions == 4
    assert found.log_gib == 2 * (7 * 1000 + 28 * 100 + 10) / 1024
    assert (found.recovery_s, found.table_disk_gib) == (2 * 2**20 / 2 / 1000, 0)


def test_rocksdb_moves_rows_to_the_disk() -> None:
    """The index stays in memory, beside what RocksDB may take, so one worker is enough."""
    found = need(replace(PLAN, store="rocksdb"), COSTS)

    assert (found.state_workers, found.worker_gib, found.table_disk_gib) == (1, 1.75, 2)
    assert found.recovery_s == 2 * 2**20 / 500


def test_new_data_is_uploaded_and_split_and_has_forecasts_of_its_own() -> None:
    """Half more work than PATCHes alone, so a second worker; a forecast for each result instead of the latest."""
    plan = replace(PLAN, results=2, new_data=True, worker_gib=9)
    found = need(plan, COSTS)
    again = need(replace(plan, new_data=False), COSTS)

    assert (found.state_workers, again.state_workers) == (2, 1)
    assert (found.worker_gib, again.worker_gib) == (4 / 2 + 1, 3 + 1)
    assert (found.recovery_s, again.recovery_s) == (4 * 2**20 / 2 / 1000, 3 * 2**20 / 1000)
    assert round(found.broker_cores, 9) == 1.1


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
@pytest.mark.parametrize("new_data", [True, False])
def test_the_worker_with_the_most_partitions_has_room_for_them(store: str, new_data: bool) -> None:
    """64 partitions on 38 workers are two for 26 of them: more than the 4 GiB that the even share keeps to."""
    plan = replace(PLAN, series=10**8, within_s=86_400.0, results=2, store=store, new_data=new_data, worker_gib=4)
    found = need(plan, Costs())

    most = ceil(found.partitions / found.state_workers) / found.partitions
    forecasts = 2 if new_data else 1
    bytes_of_series, empty_mib, rows_a_second = {
        "memory": (2 * 616 + forecasts * 280, 200, 45_000),
        "rocksdb": (2 * 102, 200 + 5 * 64, 20_000),
    }[store]
    assert found.worker_gib == pytest.approx(10**8 * bytes_of_series / 2**30 * most + empty_mib / 1024)
    assert found.worker_gib <= 4
    assert found.recovery_s == pytest.approx(10**8 * (2 + forecasts) * most / rows_a_second)
    assert found.fits


def test_the_trainer_with_the_most_partitions_has_cores_for_them() -> None:
    """397 cores are 25 machines' of 16, but three of 64 partitions take 18.6."""
    plan = replace(PLAN, series=10**8, within_s=3600.0, results=2, cores=16, worker_gib=4)
    found = need(plan, replace(Costs(), model_ms=10))

    assert (found.partitions, found.trainers) == (64, 32)
    assert found.model_cores * ceil(64 / found.trainers) / 64 <= 16


def test_a_worker_without_room_for_rows_is_refused() -> None:
    """No number of workers would do."""
    with pytest.raises(ValueError, match="GiB without rows"):
        need(replace(PLAN, worker_gib=1), COSTS)


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
    shown = capsys.readouterr().out
    assert "(most" in shown
    assert "100,000,000 series do not fit" in shown


@pytest.mark.parametrize(
    ("series", "store", "shown"),
    [
        (10**4, "memory", "| {workers} | {trainers} | {broker} | {log} | {recovery} |"),
        (10**6, "memory", "| {workers} | {trainers} | {broker} | {log} | {recovery} |"),
        (10**8, "memory", "| {workers} | {trainers} | {broker} | {log} | {recovery} |"),
        (10**8, "rocksdb", "| {workers}, {disk} GiB of disk | {trainers} | {broker} | {log} | {recovery}, "),
    ],
)
def test_the_docs_table_is_what_is_calculated(series: int, store: str, shown: str) -> None:
    """Rows of docs/scaling.md, with the program's defaults."""
    found = need(
        replace(PLAN, series=series, within_s=86_400.0, results=2, copies=3, store=store, new_data=True, worker_gib=4),
        Costs(),
    )
    row = shown.format(
        workers=f"{found.partitions} | {found.state_workers} x {found.worker_gib:.1f} GiB",
        disk=f"{found.table_disk_gib:.0f}",
        trainers=found.trainers,
        broker=f"{found.broker_cores:.1f}",
        log=f"{found.log_gib:,.0f}" if found.log_gib > 1 else f"{found.log_gib:.1f}",
        recovery=f"{found.recovery_s:,.0f} s",
    )

    assert row in (Path(__file__).parents[3] / "docs/scaling.md").read_text("utf-8")
