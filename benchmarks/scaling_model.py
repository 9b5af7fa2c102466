"""`python -m benchmarks.scaling_model --help`: what so many series need, from costs that were measured.

No simulation of queues: amounts of work, of bytes and of memory, divided by what one core, worker or partition bears.
A partition is never divided: the worker with the most of them has to bear its share. Jobs lie evenly over them.
Every cost is an option, so that whoever has measured another one (`python -m benchmarks series_cost`) can put it in.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import ceil

from benchmarks.report import console, show

__all__ = ["Costs", "Need", "Plan", "need"]

_DAY_S = 86_400
_SIZES = (10_000, 1_000_000, 100_000_000)
_MOST_PARTITIONS = 64  # TIDECAST_PARTITIONS: a ts_id has six bits for its partition
_PARTITIONS = (4, 8, 16, 32, 64)
_MOST_SERIES = 100_000  # of a job, and elements of a PATCH
_LOAD = 0.7  # of a core: beyond it a queue grows with every disturbance
_GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Measured on 2026-11-25, two busy cores, 400 points a series, 5 steps: see docs/scaling.md for each."""

    state_us: float = 409  # processor time a series and submission, from PATCH to DONE: series_cost
    trainer_us: float = 445  # the same, with LinearFit: series_cost
    broker_us: float = 189  # the same: series_cost
    new_data_state_us: float = 555  # upload and PUT, of threads that share the worker's interpreter: series_cost
    new_data_trainer_us: float = 10  # the same: series_cost
    new_data_broker_us: float = 62  # the same: series_cost
    model_ms: float = 0.0  # of the model, beyond LinearFit: benchmarks/README.md
    command_bytes: float = 1_689  # of the log, compressed, kept for a week: series_cost
    answer_bytes: float = 249  # forecast, result and scores, kept for four weeks: series_cost
    changelog_bytes: float = 197  # forecast and result, until they are compacted or deleted: series_cost
    result_memory: float = 616  # of a state worker, a result, index included: series_cost
    forecast_memory: float = 280  # a latest forecast of 128 bytes, with what Python adds: counted
    index_memory: float = 102  # what RocksDB leaves in memory of a result: counted
    disk_row_bytes: float = 390  # forecast and result in RocksDB, before compression: series_cost
    state_mib: float = 200  # of a state worker without rows: series_cost
    disk_tables_mib: float = 320  # what RocksDB may take beside it: 64 for each of the five tables
    recovery_rows: float = 45_000  # a second, into memory: tables
    disk_recovery_rows: float = 20_000  # a second, into an empty RocksDB folder: tables


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be borne."""

    series: int
    every_s: float  # all series are trained anew once in this time
    within_s: float  # and that takes so long at most
    new_data: bool  # each time: a new upload, job and forecast, else a PATCH alone
    results: int  # kept of each series, before old jobs are deleted
    copies: int  # of the log: TIDECAST_REPLICATION_FACTOR
    store: str  # TIDECAST_TABLE_STORE
    worker_gib: float  # memory that a state worker may have
    cores: int  # of a trainer's machine: TIDECAST_TRAINING_PROCESSES


@dataclass(frozen=True, kw_only=True)
class Need:
    """What that takes."""

    rate: float  # series a second
    jobs: int
    partitions: int
    state_workers: int
    worker_gib: float  # of the state worker with the most partitions
    trainers: int
    model_cores: float  # of all trainers together, beside one core each
    broker_cores: float
    table_disk_gib: float
    log_gib: float
    recovery_s: float  # of the state worker with the most partitions
    bound: str

    @property
    def fits(self) -> bool:
        """Whether there may be as many partitions."""
        return self.partitions <= _MOST_PARTITIONS


def need(plan: Plan, costs: Costs) -> Need:
    """The amounts, with the fewest partitions and then the fewest workers that bear them."""
    rate = plan.series / plan.within_s
    forecasts = plan.results if plan.new_data else 1  # a forecast takes the place of its job's one before
    in_memory = plan.store == "memory"
    memory = plan.series * (plan.results * costs.result_memory + forecasts * costs.forecast_memory) / _GIB
    if not in_memory:
        memory = plan.series * plan.results * costs.index_memory / _GIB
    empty_gib = _empty_gib(plan, costs)
    if plan.worker_gib <= empty_gib:
        raise ValueError(f"a state worker takes {empty_gib:.2f} GiB without rows, more than {plan.worker_gib:g}")
    state_us, trainer_us, broker_us = costs.state_us, costs.trainer_us, costs.broker_us
    if plan.new_data:
        state_us += costs.new_data_state_us
        trainer_us += costs.new_data_trainer_us
        broker_us += costs.new_data_broker_us
    model_cores = rate * costs.model_ms / 1e3 / _LOAD
    # How many workers each would fill if partitions could be divided.
    filled = {
        "nothing": 1.0,
        "state: memory": memory / (plan.worker_gib - empty_gib),
        "state: work": rate * state_us / 1e6 / _LOAD,
        "trainers": max(rate * trainer_us / 1e6 / _LOAD, model_cores / plan.cores),
    }
    bound = max(filled, key=lambda name: filled[name])
    partitions = next((count for count in _PARTITIONS if count >= filled[bound]), ceil(filled[bound]))
    workers = _workers(partitions, max(filled["state: memory"], filled["state: work"]))
    share = ceil(partitions / workers) / partitions
    refreshes = {days: days * _DAY_S / plan.every_s for days in (7, 28)}
    log = costs.command_bytes * refreshes[7] + costs.answer_bytes * refreshes[28]
    log += costs.changelog_bytes * plan.results
    speed = costs.recovery_rows if in_memory else costs.disk_recovery_rows
    return Need(
        rate=rate,
        jobs=ceil(plan.series / _MOST_SERIES),
        partitions=partitions,
        state_workers=workers,
        worker_gib=memory * share + empty_gib,
        trainers=_workers(partitions, filled["trainers"]),
        model_cores=model_cores,
        broker_cores=rate * broker_us / 1e6 * plan.copies / _LOAD,
        table_disk_gib=0 if in_memory else plan.series * plan.results * costs.disk_row_bytes / _GIB,
        log_gib=plan.series * log * plan.copies / _GIB,
        recovery_s=plan.series * (plan.results + forecasts) * share / speed,
        bound=bound,
    )


def _empty_gib(plan: Plan, costs: Costs) -> float:
    return (costs.state_mib + (0 if plan.store == "memory" else costs.disk_tables_mib)) / 1024


def _workers(partitions: int, filled: float) -> int:
    """The fewest of which none has more whole partitions than it bears."""
    borne = int(partitions // max(1.0, filled))
    return ceil(partitions / borne)


def _row(plan: Plan, costs: Costs) -> tuple[str, ...]:
    found = need(plan, costs)
    return (
        f"{plan.series:,}",
        f"{found.rate:,.1f}",
        f"{found.jobs:,}",
        f"{found.partitions:,}" + ("" if found.fits else f" (most: {_MOST_PARTITIONS})"),
        f"{found.state_workers:,} x {found.worker_gib:.1f} GiB",
        f"{found.trainers:,}, {found.model_cores:,.1f}",
        f"{found.broker_cores:,.2f}",
        f"{found.log_gib:,.1f}",
        f"{found.table_disk_gib:,.1f}",
        f"{found.recovery_s:,.0f} s",
        found.bound,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what the sizes need."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=list(_SIZES), help="how many")
    parser.add_argument("--every", type=float, default=24.0, help="hours after which all series are trained again")
    parser.add_argument("--within", type=float, help="hours that this may take (absent: as --every)")
    parser.add_argument(
        "--new-data",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="each time, with upload, PUT and a forecast of its own; else the same data again, by a PATCH",
    )
    parser.add_argument("--results", type=int, default=2, help="results kept of each series, until jobs are deleted")
    parser.add_argument("--copies", type=int, default=3, help="copies of the log")
    parser.add_argument("--store", choices=("memory", "rocksdb"), default="memory", help="TIDECAST_TABLE_STORE")
    parser.add_argument("--worker-gib", type=float, default=4.0, help="memory that a state worker may have")
    parser.add_argument("--cores", type=int, default=16, help="of a trainer's machine")
    costs = Costs()
    for cost in fields(Costs):
        name = f"--{cost.name.replace('_', '-')}"
        parser.add_argument(name, type=float, default=getattr(costs, cost.name), help="measured, see docs/scaling.md")
    given = parser.parse_args(arguments)
    costs = Costs(**{cost.name: getattr(given, cost.name) for cost in fields(Costs)})
    within = given.within or given.every
    plans = [
        Plan(
            series=series,
            every_s=given.every * 3600,
            within_s=within * 3600,
            new_data=given.new_data,
            results=given.results,
            copies=given.copies,
            store=given.store,
            worker_gib=given.worker_gib,
            cores=given.cores,
        )
        for series in given.series
    ]
    empty_gib = _empty_gib(plans[0], costs)
    if given.worker_gib <= empty_gib:
        parser.error(f"--worker-gib: a state worker takes {empty_gib:.2f} GiB without rows")
    console.width = 150
    show(
        f"Every {given.every:g} h, within {within:g} h, {given.copies} copies, {given.results} results of each series, "
        f"{given.store}, {costs.model_ms:g} ms a model, {'new data' if given.new_data else 'the same data'}",
        (
            "series",
            "series/s",
            "jobs",
            "partitions",
            "state workers",
            "trainers, model cores",
            "broker cores",
            "log, GiB",
            "rows on disk, GiB",
            "worker's recovery",
            "most because of",
        ),
        [_row(plan, costs) for plan in plans],
    )
    for plan in plans:
        found = need(plan, costs)
        if not found.fits:
            console.print(
                f"{plan.series:,} series do not fit: they take {found.partitions:,} partitions, as their row does, "
                f"and there may be {_MOST_PARTITIONS} ({found.bound})."
            )


if __name__ == "__main__":
    main()
