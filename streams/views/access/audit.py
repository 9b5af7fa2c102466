"""What the topic `audit` has, for administrators: who did what, and what came of it."""

import asyncio
import heapq
from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from connectors.kafka.admin import BrokerUnreachableError
from connectors.kafka.topic_reader import TopicMissingError, read_topic
from schemas.access import AuditRecord
from schemas.coding.wire import UndecodableError
from streams.access.caller import DEFAULT_PROJECT, Role
from streams.errors import Code, UnavailableError
from streams.runtime import StateRuntime
from streams.views.access.session import TAG
from streams.views.web.answers import json_response
from streams.views.web.door import Door
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JsonRoute, State

__all__ = ["DOOR"]

_NEWEST: Final = 1000  # of each partition that are looked at

router = APIRouter(prefix="/access/audit", route_class=JsonRoute)
DOOR = Door(router=router, apart=True, tag=TAG, slash=False, role=Role.ADMIN)  # it tells of everybody's work


class AuditItem(BaseModel):
    """One write, or one refusal."""

    id: str = Field(description="PARTITION-OFFSET.")
    at: int = Field(description="When it was answered, epoch milliseconds.")
    user: str
    project: str
    role: str
    door: str = Field(description="http or kafka.")
    action: str = Field(description="Method and template of the address, or the type of the command.")
    subject: str = Field(description="On what.")
    status: int = Field(description="The outcome, as a status of HTTP.")
    trace_id: str
    address: str
    count: int = Field(
        description="Of how many it tells; above 1: refusals of a minute that have no item of their own."
    )


class AuditReply(BaseModel):
    """The newest."""

    audit: list[AuditItem]


@router.get("", summary="Who did what", response_model=AuditReply, responses=PLAIN.responses(400, 401, 403, 503))
async def list_audit(
    state: State,
    limit: Annotated[int, Query(ge=1, le=1000, description="Only so many, the newest.")] = 100,
    user: Annotated[str, Query(max_length=200, description="Only of this user.")] = "",
    project: Annotated[str, Query(max_length=64, description="Only in this project.")] = "",
) -> Response:
    """The newest last."""
    try:
        found = await asyncio.to_thread(lambda: list(_read(state, user, project)))
    except BrokerUnreachableError as error:
        raise UnavailableError(Code.BROKER_UNREACHABLE, str(error)) from None
    except TopicMissingError:
        raise UnavailableError(Code.RECOVERING, f"there is no topic {state.topics.audit} yet") from None
    newest = heapq.nlargest(limit, found, key=lambda it: (it["at"], it["id"]))
    return json_response({"audit": newest[::-1]})


def _read(state: StateRuntime, user: str, project: str) -> Iterator[dict[str, Any]]:
    for record in read_topic(state.bootstrap, state.topics.audit, newest=_NEWEST):
        try:
            event = state.codec.decode(record.value)
        except UndecodableError:
            continue  # somebody else wrote it
        if not isinstance(event, AuditRecord):
            continue
        item = {
            "id": f"{record.partition}-{record.offset}",
            "at": event.at,
            "user": event.user,
            "project": event.project or DEFAULT_PROJECT,
            "role": event.role,
            "door": event.door,
            "action": event.action,
            "subject": event.subject,
            "status": event.status,
            "trace_id": event.trace_id,
            "address": event.address,
            "count": event.count,
        }
        if user in ("", item["user"]) and project in ("", item["project"]):
            yield item
