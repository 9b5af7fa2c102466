"""Whose answer a request of contract 003 asks for: names are in bodies, where the middleware does not look."""

from fastapi import Request, Response

from streams.access.visibility import own
from streams.errors import Code, UnavailableError
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.scoring.models import check_name, key_of
from streams.views.scoring.reading import Fields, text
from streams.views.web.forwarding import passed_on

__all__ = ["check_settled", "kept_name", "owners_answer"]


def kept_name(fields: Fields, *names: str, field: str = "") -> str:
    """A name that was sent under the first of these that there is, as it is kept; RejectedError where it is none."""
    name = text(fields, *names)
    check_name(field or names[0], name)
    return own(name)


def check_settled(state: StateRuntime) -> None:
    """RejectedError while this worker's rows are being recovered, or are moving."""
    if not is_ready(state.app):
        raise UnavailableError(Code.RECOVERING, "the state is being recovered or is moving to a worker")


async def owners_answer(state: StateRuntime, request: Request, name: str) -> Response | None:
    """What the worker that owns a name, which is as it is kept, answers.

    None where it is this one, which may read and write its rows.
    """
    check_settled(state)
    return await passed_on(state, request, key_of(name))
