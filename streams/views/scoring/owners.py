"""Whose answer a request of contract 003 asks for: names are in bodies, where the middleware does not look."""

from fastapi import Request, Response

from streams.errors import Code, UnavailableError
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.scoring.models import key_of
from streams.views.web.forwarding import passed_on

__all__ = ["check_settled", "owners_answer"]


def check_settled(state: StateRuntime) -> None:
    """RejectedError while this worker's rows are being recovered, or are moving."""
    if not is_ready(state.app):
        raise UnavailableError(Code.RECOVERING, "the state is being recovered or is moving to a worker")


async def owners_answer(state: StateRuntime, request: Request, name: str) -> Response | None:
    """What the worker that owns the name answers; None where it is this one, which may read and write its rows."""
    check_settled(state)
    return await passed_on(state, request, key_of(name))
