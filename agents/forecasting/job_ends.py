"""How a job goes on when a message about it is given up: what waits for that message fails with a reason."""

from agents.forecasting.refusals import refusals, result_records
from schemas.coding.wire import UndecodableError
from schemas.forecasting import SubmitJob
from schemas.series import SeriesResult
from streams.engine.tries import GivenUpError
from streams.forecasting import jobs
from streams.forecasting.state import ForecastingState
from streams.messages import Event
from streams.runtime import StateRuntime

__all__ = ["end_command", "end_result"]


async def end_command(state: StateRuntime, event: Event, error: GivenUpError) -> None:
    """1. every series that a submission has begun to ask for gets an error as its result, 2. the sender is told."""
    try:
        command = state.codec.decode(event.message.value)
    except UndecodableError:
        return
    job = ForecastingState.of(state).jobs.get(command.job_id)
    if isinstance(command, SubmitJob) and job is not None:
        begun = next((one for one in job.submissions if one.command_id == command.command_id), None)
        numbers = range(begun.first_n, begun.first_n + len(begun.ts_offsets)) if begun is not None else range(0)
        for results in refusals(state, job, numbers, error.message):
            await state.publisher.send(result_records(state, results))
    state.waiters.refused(command.command_id, error)


async def end_result(state: StateRuntime, event: Event, error: GivenUpError) -> None:
    """A result that cannot be kept is replaced by an error, so that its job comes to its end."""
    try:
        fields = state.codec.outline_of(event.message.value, SeriesResult)
    except UndecodableError:
        return
    job = ForecastingState.of(state).jobs.get(fields["job_id"])
    if job is None or fields["error"] is not None or jobs.series_of(job, fields["n"]) != fields["ts_id"]:
        return
    for results in refusals(state, job, range(fields["n"], fields["n"] + 1), error.message):
        await state.publisher.send(result_records(state, results))
