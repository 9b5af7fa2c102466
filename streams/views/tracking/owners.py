"""Reading and writing runs and experiments where their rows are: each is one worker's, whoever is asked.

What a request is about stands in its body or query, so `OwnerForwarding`, which sees paths alone, cannot tell.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request, Response

from schemas.tracking import CreateExperiment, TrackRun
from streams.errors import Code, UnavailableError
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.tracking.runs import check_run
from streams.views.web.commands import send_command
from streams.views.web.forwarding import passed_on

__all__ = ["TRACKING", "at_owner", "check_ready", "send"]

TRACKING: Final = "Runs of W&B's and MLflow's clients."
"""What their addresses are about, in the API document."""


def check_ready(state: StateRuntime) -> None:
    """UnavailableError while rows are being recovered or are on their way to another worker."""
    if not is_ready(state.app):
        raise UnavailableError(Code.RECOVERING, "the runs are being recovered or are moving to a worker: ask again")


async def at_owner(
    state: StateRuntime, request: Request, key: str, answer: Callable[[], Awaitable[Response]]
) -> Response:
    """What `answer` says where the key's rows are: here, or at the worker that the request is passed on to."""
    check_ready(state)
    elsewhere = await passed_on(state, request, key.encode())
    return await answer() if elsewhere is None else elsewhere


async def send(state: StateRuntime, command: CreateExperiment | TrackRun) -> Any:
    """Append a command, and wait for the row that came of it; RejectedError where it cannot be so."""
    if isinstance(command, TrackRun):
        check_run(command)  # the agent's own check: what cannot be so may not be possible to write, either
        key = command.workload_uid
    else:
        key = command.experiment_id
    return await send_command(state, state.topics.tracking_commands, key, command)
