"""Who works here: brokers, workers of every role, what each role is behind with, versions."""

import asyncio
import platform
from datetime import timedelta
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from connectors.kafka.admin import BrokerUnreachableError
from connectors.kafka.groups import Cluster, read_cluster
from streams.access.caller import Role
from streams.errors import Code, UnavailableError
from streams.views.web.answers import json_response
from streams.views.web.door import OPERATION, Door
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JsonRoute, State

__all__ = ["DOOR"]

_TIMEOUT: Final = timedelta(seconds=3)  # of a question; an answer takes some milliseconds
_LIBRARIES: Final = {"faust": "faust-streaming", "kafka_client": "confluent-kafka"}

router = APIRouter(prefix="/cluster", route_class=JsonRoute)
DOOR = Door(router=router, apart=True, tag=OPERATION, slash=False, role=Role.ADMIN)  # it tells of everybody's work

_ROLES: Final = ("state", "trainer")


class BrokerItem(BaseModel):
    """A broker."""

    id: int
    host: str
    port: int


class WorkerItem(BaseModel):
    """A process that works on the topics."""

    name: str
    role: str = Field(description="state, or trainer.")
    host: str
    partitions: int = Field(description="Partitions that it has, those of its tables among them.")


class TopicLag(BaseModel):
    """What a role has not done of a topic."""

    topic: str
    lag: int


class RoleItem(BaseModel):
    """All workers of one role: one consumer group."""

    role: str
    group: str
    state: str = Field(description="As Kafka says it: stable, empty, or on the way to one.")
    workers: int
    lag: int = Field(description="Records of all its topics that are not done.")
    topics: list[TopicLag] = Field(description="Those that it is behind with, the longest lag first.")


class ClusterReply(BaseModel):
    """The installation as the broker knows it now."""

    cluster_id: str
    brokers: list[BrokerItem]
    workers: list[WorkerItem]
    roles: list[RoleItem]
    versions: dict[str, str]


@router.get("", summary="Who works here?", response_model=ClusterReply, responses=PLAIN.responses(503))
async def get_cluster(state: State, request: Request) -> Response:
    """Brokers, workers and their lag, from whichever worker is asked; `/metrics` has the figures of that one alone."""
    prefix = state.settings.group_prefix
    try:
        groups = {f"{prefix}{role}" for role in _ROLES}  # a prefix may be that of others' groups, too
        found = await asyncio.to_thread(read_cluster, state.bootstrap, groups, _TIMEOUT)
    except BrokerUnreachableError as error:
        raise UnavailableError(Code.BROKER_UNREACHABLE, str(error)) from None
    versions = {"tidecast": request.app.version, "python": platform.python_version()}
    versions |= {name: version(distribution) for name, distribution in _LIBRARIES.items()}
    return json_response({**_shown(found, prefix), "versions": versions})


def _shown(found: Cluster, prefix: str) -> dict[str, Any]:
    roles, workers = [], []
    for group in found.groups:
        role = group.name.removeprefix(prefix)
        behind = sorted(group.lag.items(), key=lambda it: (-it[1], it[0]))
        roles.append(
            {
                "role": role,
                "group": group.name,
                "state": group.state,
                "workers": len(group.members),
                "lag": sum(group.lag.values()),
                "topics": [{"topic": topic, "lag": lag} for topic, lag in behind if lag],
            }
        )
        workers += [
            {"name": one.name, "role": role, "host": one.host, "partitions": one.partitions} for one in group.members
        ]
    return {
        "cluster_id": found.cluster_id,
        "brokers": [{"id": one.broker_id, "host": one.host, "port": one.port} for one in found.brokers],
        "workers": sorted(workers, key=lambda it: (it["role"], it["name"])),
        "roles": roles,
    }
