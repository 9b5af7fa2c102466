"""Creating something under a new id: once, however often and wherever the request comes with one Idempotency-Key."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from streams import idempotency
from streams.errors import Code, RejectedError, UnavailableError
from streams.idempotency import Note
from streams.rows.ownership import owner_elsewhere
from streams.runtime import StateRuntime
from streams.views.web.commands import is_repeat
from streams.views.web.forwarding import passed_on

__all__ = ["create_once"]

_DRAWS = 2000  # with n workers an id is ours once in n draws; 64 partitions allow 64 workers

_Create = Callable[[int], Awaitable[Response]]
_IsThere = Callable[[int], bool]


async def create_once(
    state: StateRuntime,
    request: Request,
    command_id: str,
    create: _Create,
    *,
    is_there: _IsThere | None = None,
    owned_by_id: bool = True,
) -> Response:
    """What `create` answers for a new id, or for the one that an earlier try with this Idempotency-Key was given.

    Where that one is another worker's, it answers: its agent applies the command, and there the sender waits. Where
    something else than the id says whose it is, `owned_by_id` is false, and the request has come to the owner already.

    A refusal frees the key, so that a mended request may carry it. With `is_there`, asked in a thread, the id of what
    was created and is there no more is not given again: the same request makes a new one then.
    """
    if "idempotency-key" not in request.headers:
        return await create(_own_id(state))
    new = Note(_own_id(state), command_id)
    note = await asyncio.to_thread(idempotency.claim, state.store, new)
    if note != new:
        is_repeat(command_id, [note.command_id])
        if owned_by_id:
            answer = await passed_on(state, request, b"%d" % note.minted)
            if answer is not None:
                return answer
        if note.created and is_there is not None:
            async with request.app.state.id_lock:  # two tries at the same time, one id
                note = await asyncio.to_thread(_there_or_new, state, new, is_there)
    try:
        answer = await create(note.minted)
    except RejectedError as error:
        if not isinstance(error, UnavailableError):
            await asyncio.to_thread(_free, state, note)
        raise
    if is_there is not None and not note.created:
        await asyncio.to_thread(idempotency.confirm, state.store, note)
    return answer


def _there_or_new(state: StateRuntime, new: Note, is_there: _IsThere) -> Note:
    """The note that stands for what is there, or after all that is no more, the new one.

    Without knowing that something was created an id is kept although nothing is there: the first try's command may
    still be on its way.
    """
    known = idempotency.claim(state.store, new)
    if known == new or not known.created or is_there(known.minted):
        return known
    idempotency.free(state.store, known.command_id)
    return idempotency.claim(state.store, new)


def _free(state: StateRuntime, refused: Note) -> None:
    """Free the key, unless another request has it by now."""
    known = idempotency.find(state.store, refused.name)
    if known is not None and known.minted == refused.minted:
        idempotency.free(state.store, refused.command_id)


def _own_id(state: StateRuntime) -> int:
    """A new id that this worker owns: its agent will apply the command, and here its sender waits."""
    for _ in range(_DRAWS):
        new = state.ids.mint()
        if owner_elsewhere(state.app, b"%d" % new) is None:
            return new
    raise UnavailableError(Code.RECOVERING, "no partition belongs to this worker at the moment")
