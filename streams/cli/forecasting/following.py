"""Runs a plan on a service and follows a job to its end."""

import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line
from streams.cli.forecasting.outcome import JobOutcome, job_outcome
from streams.cli.forecasting.planning import ForecastPlan, elements
from streams.cli.forecasting.wording import in_options
from streams.cli.service.client import ServiceClient
from streams.cli.service.session import Session

__all__ = ["FINISHED", "follow_job", "outcome_of", "submit_plan"]

FINISHED: Final = 3  # status from which on a job has results: 3 DONE, 4 EXCEPTION
_SHORTEST_POLL_S: Final = 0.1
_LONGEST_POLL_S: Final = 2.0
_POLL_SHARE: Final = 5  # the service is asked for at most about a sixth of the time
_SILENCE_S: Final = 900.0  # without a single new result; the slowest training of one series takes minutes


def submit_plan(client: ServiceClient, plan: ForecastPlan, console: Console) -> int:
    """Upload, create, choose columns, train: the id of the job, whose training has begun."""
    with console.status(f"uploading {plan.file.name}") as status:
        data_id = client.upload(plan.file, plan.dialect)
        status.update("splitting it into series")
        job_id = client.create_job(data_id)
        try:
            series = client.choose_columns(
                job_id, timestamp=plan.timestamp, target=plan.target, group_by=plan.group_by, calendar=plan.calendar
            )
            for warning in dict.fromkeys(client.warnings):
                console.print(f"warning: {in_options(warning)}", style="yellow", soft_wrap=True, markup=False)
            status.update(f"asking for forecasts of {len(series)} series")
            client.submit(job_id, list(elements(plan, (item["ts_id"] for item in series))))
        except CommandError as error:
            raise CommandError(in_options(str(error)), status=error.status) from error
    return job_id


def follow_job(
    session: Session,
    job_id: int,
    console: Console,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Show the progress until the job is finished; CommandError where nothing happens for a quarter of an hour.

    `clock` and `pause` are for tests.
    """
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("forecasts"), TimeElapsedColumn(),
    )  # fmt: skip
    if not console.is_terminal:  # a log shows the bar at its end only
        console.print(f"job {job_id} is training", soft_wrap=True)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"job {job_id}", total=None)
        finished, last_news = -1, clock()
        while True:
            asked = clock()
            job = session.client.job(job_id)
            took = clock() - asked
            progress.update(task, total=job["submitted"], completed=job["finished"])
            if job["status"] >= FINISHED:
                return
            if job["finished"] != finished:
                finished, last_news = job["finished"], clock()
            elif clock() - last_news > _SILENCE_S:
                raise CommandError(
                    f"job {job_id} has made no progress for {_SILENCE_S / 60:.0f} minutes ({finished} of "
                    f"{job['submitted']} forecasts are there): look at the service's logs; "
                    f"{command_line(f'job {job_id}')} shows how it stands"
                )
            session.watch()
            pause(min(max(_SHORTEST_POLL_S, _POLL_SHARE * took), _LONGEST_POLL_S))


def outcome_of(client: ServiceClient, job_id: int, *, as_of: int | None = None) -> JobOutcome:
    """The results of a job that is finished, or was at `as_of` (milliseconds), without histories."""
    return job_outcome(job_id, client.series(job_id), client.results(job_id, as_of=as_of))
