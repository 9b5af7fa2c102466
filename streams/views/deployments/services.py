"""Services: deployed, shown, scaled, paused, removed (contract S-050 … S-066)."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from models.json_words import shown
from schemas.deployments import DeleteService, DeployService, OperateReplica, ScaleService, ServiceRecord
from schemas.values import ParameterValue
from streams.access import names
from streams.access.visibility import is_own, own
from streams.deployments import services
from streams.deployments.state import DeploymentsState
from streams.errors import Code, InvalidError
from streams.runtime import StateRuntime
from streams.views.deployments.replies import Address, ServiceInfo, ServiceList
from streams.views.scoring.owners import check_settled, kept_name, owners_answer
from streams.views.scoring.reading import (
    ALIAS,
    Fields,
    answer_at,
    body_of,
    data_response,
    fields_of,
    iso_time,
    made_at,
    text,
)
from streams.views.web.commands import IdempotencyKey, command_id_of, send_command
from streams.views.web.door import Door, Tag
from streams.views.web.forwarding import from_others
from streams.views.web.model_service import MODEL_SERVICE, ActionReply
from streams.views.web.reading import ForgivingRoute, State, address

__all__ = ["DOOR", "TAG", "address_of"]

_NAMES: Final = (
    "model-deploy-service",
    "service-info",
    "service-list",
    "operate-pod",
    "service-scale",
    "service-delete",
)
TAG: Final = Tag("services", "Models that are deployed, with replicas; each address is also below /api/v1.")

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=tuple(f"{prefix}/{name}" for name in _NAMES for prefix in ("", ALIAS)),
    tag=TAG,
    envelope=MODEL_SERVICE,
    slash=False,
    apart=True,
    asks=("service-info",),
    watched=("/service-list", f"{ALIAS}/service-list"),
)

Sent = Annotated[Fields, Depends(fields_of)]


def address_of(request: Request) -> str:
    """Where services answer, with a slash at the end (S-051, S-068)."""
    return address(request, f"{ALIAS}/scv/pmml/")


async def tell_address(state: State, request: Request) -> Response:
    """The address to which a service's name is appended."""
    versions = list(state.settings.environments)
    return data_response({"restfulUrl": address_of(request), "serverVersions": versions})


async def deploy_service(state: State, request: Request, fields: Sent, key: IdempotencyKey = None) -> Response:
    """The service answers as soon as one of its replicas has loaded the model."""
    command = DeployService(
        command_id="",
        service=kept_name(fields, "serviceName"),
        model_name=kept_name(fields, "modelName"),
        server_version=text(fields, "serverVersion", "serviceVersion"),
        replicas=_count(fields, default=1),
        cpu_reserve=_quantity(fields, "cpuReserve"),
        memory_reserve=_quantity(fields, "memoryReserve"),
    )
    services.check_deployment(command, versions=state.settings.environments, most=state.settings.max_replicas)
    answer = await owners_answer(state, request, command.service)
    if answer is not None:
        return answer
    command_id = command_id_of(request, key, repr(command).encode("utf-8", "surrogatepass"))
    return await _done(state, replace(command, command_id=command_id))


async def describe_service(state: State, request: Request, fields: Sent) -> Response:
    """The service with its replicas and what they are doing."""
    name = kept_name(fields, "serviceName", "name", field="serviceName")
    answer = await owners_answer(state, request, name)
    if answer is not None:
        return answer
    record = DeploymentsState.of(state).services.get(services.key_of(name))
    if record is None:
        raise services.unknown(name)
    return data_response(_shown(state, request, record))


async def list_services(state: State, request: Request) -> Response:
    """All services, newest first, whichever worker has them."""
    check_settled(state)
    table = DeploymentsState.of(state).services
    rows = [record for key in table.keys() if (record := table.get(key)) is not None]  # noqa: SIM118 - a table
    here = [_shown(state, request, record) for record in rows if is_own(record.name)]
    others = await from_others(state, request, "data", "serviceList")
    found = sorted([*here, *others], key=lambda it: (made_at(it), it["serviceName"]), reverse=True)
    return data_response({"serviceList": found})


async def operate_replica(state: State, request: Request, fields: Sent, key: IdempotencyKey = None) -> Response:
    """`pause`, `start` or `delete` one replica; with the last one the service goes."""
    name, operation = text(fields, "podName", "name"), text(fields, "operationType", "operation")
    service, replica = own(services.service_of(name)), own(name)
    command = OperateReplica(command_id_of(request, key, f"{name} {operation}".encode()), service, replica, operation)
    return await _change(state, request, command)


async def scale_service(state: State, request: Request, fields: Sent, key: IdempotencyKey = None) -> Response:
    """Have so many replicas; with 0 none answers until there are more."""
    name, count = kept_name(fields, "serviceName", "name", field="serviceName"), _count(fields)
    return await _change(
        state, request, ScaleService(command_id_of(request, key, f"{name} {count}".encode()), name, count)
    )


async def delete_service(state: State, request: Request, fields: Sent, key: IdempotencyKey = None) -> Response:
    """The service goes with all its replicas; what they have in hand is answered."""
    name = kept_name(fields, "serviceName", "name", field="serviceName")
    return await _change(state, request, DeleteService(command_id_of(request, key, name.encode()), name))


async def _change(state: StateRuntime, request: Request, command: services.Change) -> Response:
    services.check_change(command, most=state.settings.max_replicas)
    answer = await owners_answer(state, request, command.service)
    return await _done(state, command) if answer is None else answer


async def _done(state: StateRuntime, command: DeployService | services.Change) -> Response:
    await send_command(state, state.topics.service_commands, command.service, command)
    return data_response({"status": True})


def _shown(state: StateRuntime, request: Request, record: ServiceRecord) -> dict[str, Any]:
    replicas = DeploymentsState.of(state).running.of(services.key_of(record.name))
    pods = [] if replicas is None else replicas.statuses
    return {
        "serviceName": names.shown(record.name),
        "restfulUrl": address_of(request) + names.shown(record.name),
        "modelName": names.shown(record.model_name),
        "modelType": record.model_type,
        "serviceVersion": record.server_version,
        "createTime": iso_time(record.created),
        "cpuReserve": record.cpu_reserve,
        "memoryReserve": record.memory_reserve,
        "status": "paused" if replicas is None else replicas.status,
        "reason": None if replicas is None else replicas.reason,
        "podList": [{"name": names.shown(name), "status": status} for name, status in pods],
    }


def _count(fields: Fields, default: int | None = None) -> int:
    value = fields.get("replicas", default)
    if value is None:
        if default is not None:
            return default
        raise InvalidError(Code.INVALID_REQUEST, "replicas: is missing")
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:  # of a form or the query
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidError(Code.INVALID_REQUEST, f"replicas: found {shown(value)}, expected a whole number")
    return value


def _quantity(fields: Fields, name: str) -> ParameterValue | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidError(Code.INVALID_REQUEST, f"{name}: expected a number, a quantity as text, or null")
    return value


_route: Final = partial(answer_at, router)


_SERVICE: Final = {"serviceName": {"type": "string", "description": "The service."}}
_REPLICAS: Final = {"replicas": {"type": "integer", "description": "How many."}}
_RESERVE: Final = {"type": ["number", "string", "null"]}
_WRITES: Final = MODEL_SERVICE.responses(400, 404, 409, 413, 415, 429, 503)
_route("model-deploy-service", tell_address, "GET", "Tell where services answer", Address)
_route(
    "model-deploy-service",
    deploy_service,
    "POST",
    "Deploy a model as a service",
    ActionReply,
    responses=_WRITES,
    openapi_extra=body_of(
        {
            "modelName": {"type": "string"},
            **_SERVICE,
            "serverVersion": {"type": "string", "description": "3.6, 3.7, 3.8 or 3.9; noted, not run."},
            "cpuReserve": {**_RESERVE, "description": "Cores; noted."},
            "memoryReserve": {**_RESERVE, "description": "MiB, or a quantity such as 512Mi: a replica takes no more."},
            **_REPLICAS,
        },
        ("modelName", "serviceName", "serverVersion"),
    ),
)
_route(
    "service-info",
    describe_service,
    "POST",
    "Show a service",
    ServiceInfo,
    responses=MODEL_SERVICE.responses(400, 404, 413, 415, 503),
    openapi_extra=body_of(_SERVICE, ("serviceName",)),
)
_route("service-list", list_services, "GET", "List the services", ServiceList, responses=MODEL_SERVICE.responses(503))
_route(
    "operate-pod",
    operate_replica,
    "POST",
    "Pause, start or remove a replica",
    ActionReply,
    responses=_WRITES,
    openapi_extra=body_of(
        {"podName": {"type": "string"}, "operationType": {"type": "string", "enum": list(services.OPERATIONS)}},
        ("podName", "operationType"),
    ),
)
_route(
    "service-scale",
    scale_service,
    "POST",
    "Change the number of replicas",
    ActionReply,
    responses=_WRITES,
    openapi_extra=body_of({**_SERVICE, **_REPLICAS}, ("serviceName", "replicas")),
)
_route(
    "service-delete",
    delete_service,
    "POST",
    "Remove a service",
    ActionReply,
    responses=_WRITES,
    openapi_extra=body_of(_SERVICE, ("serviceName",)),
)
