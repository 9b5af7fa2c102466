"""Services as values: what a command may ask for, and how a service's row moves on (contract S-050 … S-066)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from schemas.deployments import (
    DeleteService,
    DeployService,
    OperateReplica,
    ScaleService,
    ScoringRequest,
    ServiceRecord,
)
from schemas.scoring import ModelRecord
from schemas.values import ParameterValue
from streams.access.names import project_of, scoped, shown
from streams.codes.deployments import DeploymentCode
from streams.codes.scoring import ScoringCode
from streams.errors import Code, ConflictError, InvalidError, NotFoundError, RejectedError
from streams.scoring.models import check_kept
from streams.scoring.models import unknown as unknown_model

__all__ = [
    "OPERATIONS",
    "Change",
    "check_change",
    "check_deployment",
    "deployed",
    "key_of",
    "memory_bytes",
    "operated",
    "scaled",
    "service_of",
    "taken",
    "unknown",
]

OPERATIONS: Final = ("pause", "start", "delete")
"""What can be done with a replica (S-065)."""
Change = OperateReplica | ScaleService | DeleteService
_REPLICA: Final = re.compile(r"(?P<service>[A-Za-z0-9_.-]{1,64})-(?P<number>[0-9]{1,6})")
_MEBIBYTE: Final = 1024 * 1024
_LEAST_MEMORY: Final = 16 * _MEBIBYTE  # less is a mistake of the unit
_MOST_MEMORY: Final = 1 << 44
_QUANTITY: Final = re.compile(r"(?P<number>\d{1,15}(?:\.\d{1,6})?)\s*(?P<unit>Ki|Mi|Gi|Ti|k|K|M|G|T|)B?")
_UNITS: Final[Mapping[str, int]] = {
    "": _MEBIBYTE,  # a bare number is MiB (S-060)
    "Ki": 1024,
    "Mi": 1024**2,
    "Gi": 1024**3,
    "Ti": 1024**4,
    "k": 1000,
    "K": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "T": 1000**4,
}


def key_of(service: str) -> bytes:
    """The key of a service's row, of its commands and of its requests."""
    return service.encode("utf-8", "surrogatepass")


def check_deployment(command: DeployService, *, versions: Sequence[str], most: int) -> None:
    """RejectedError where the command can never be followed: `versions` may be asked for, and `most` replicas."""
    check_kept("serviceName", command.service)
    check_kept("modelName", command.model_name)
    if project_of(command.service) != project_of(command.model_name):
        raise unknown_model(command.model_name)
    if command.server_version not in versions:
        text = f"serverVersion: found {command.server_version[:40]!r}, expected one of {', '.join(versions)}"
        raise InvalidError(Code.INVALID_REQUEST, text)
    _check_replicas(command.replicas, least=1, most=most)
    _check_cores(command.cpu_reserve)
    memory_bytes(command.memory_reserve)


def check_change(command: Change | ScoringRequest, *, most: int) -> None:
    """RejectedError where the command can never be followed, whatever the service is."""
    check_kept("serviceName", command.service)
    if isinstance(command, ScaleService):
        _check_replicas(command.replicas, least=0, most=most)
    if isinstance(command, OperateReplica):
        if command.operation not in OPERATIONS:
            text = f"operationType: found {command.operation[:40]!r}, expected one of {', '.join(OPERATIONS)}"
            raise InvalidError(ScoringCode.UNKNOWN_OPERATION, text)
        if service_of(command.replica) != command.service:
            raise _unknown_replica(command.replica)


def memory_bytes(asked: ParameterValue | None) -> int | None:
    """What the model in a replica may take, of a number of MiB or a quantity such as 512Mi; RejectedError."""
    if asked is None or asked == "":
        return None
    found = _QUANTITY.fullmatch(str(asked).strip())
    size = round(float(found["number"]) * _UNITS[found["unit"]]) if found else 0
    if not _LEAST_MEMORY <= size <= _MOST_MEMORY:
        text = f"memoryReserve: found {str(asked)[:40]!r}, expected MiB from 16 on, or a quantity such as 512Mi or 2Gi"
        raise InvalidError(Code.INVALID_REQUEST, text)
    return size


def service_of(replica: str) -> str:
    """The service that a replica of this name belongs to; RejectedError where it can be no replica's."""
    found = _REPLICA.fullmatch(shown(replica))
    if found is None:
        raise _unknown_replica(replica)
    return scoped(project_of(replica), found["service"])


def deployed(command: DeployService, model: ModelRecord, *, at: int, digest: str, offset: int) -> ServiceRecord:
    """The row of a new service."""
    return ServiceRecord(
        name=command.service,
        command_id=command.command_id,
        model_name=model.name,
        model_type=model.model_type,
        model_key=model.model_key,
        model_size=model.size,
        server_version=command.server_version,
        created=at,
        replicas=tuple(f"{command.service}-{number}" for number in range(command.replicas)),
        cpu_reserve=command.cpu_reserve,
        memory_reserve=command.memory_reserve,
        digest=digest,
        offset=offset,
    )


def operated(record: ServiceRecord, command: OperateReplica) -> ServiceRecord | None:
    """The row after something was done with a replica; None where it was the last one and is gone. RejectedError."""
    if command.replica not in record.replicas:
        raise _unknown_replica(command.replica)
    others = tuple(name for name in record.paused if name != command.replica)
    match command.operation:
        case "pause":
            return replace(record, paused=(*others, command.replica))
        case "start":
            return replace(record, paused=others)
    left = tuple(name for name in record.replicas if name != command.replica)
    return replace(record, replicas=left, paused=others) if left else None


def scaled(record: ServiceRecord, replicas: int) -> ServiceRecord:
    """The row with so many replicas: new ones get the lowest numbers that are free, the highest go first."""
    kept = sorted(record.replicas, key=_number)[:replicas]
    taken_names, number = set(kept), 0
    while len(kept) < replicas:
        if (name := f"{record.name}-{number}") not in taken_names:
            kept.append(name)
        number += 1
    kept.sort(key=_number)
    return replace(record, replicas=tuple(kept), paused=tuple(name for name in record.paused if name in kept))


def unknown(service: str) -> RejectedError:
    """The refusal of what is asked about a service that is not there."""
    text = f"serviceName: there is no service {shown(service)[:80]!r}; GET /service-list lists them"
    return NotFoundError(DeploymentCode.UNKNOWN_SERVICE, text)


def taken(service: str) -> RejectedError:
    """The refusal of a second service of a name."""
    text = f"serviceName: there is a service {shown(service)} already: delete it first, or use another name"
    return ConflictError(DeploymentCode.SERVICE_EXISTS, text)


def _unknown_replica(name: str) -> RejectedError:
    text = f"podName: there is no replica {shown(name)[:80]!r}; POST /service-info lists those of a service"
    return NotFoundError(DeploymentCode.UNKNOWN_REPLICA, text)


def _check_replicas(count: int, *, least: int, most: int) -> None:
    if not least <= count <= most:
        text = f"replicas: found {count}, expected a whole number from {least} to {most} (TIDECAST_MAX_REPLICAS)"
        raise InvalidError(DeploymentCode.TOO_MANY_REPLICAS if count > most else Code.INVALID_REQUEST, text)


def _check_cores(asked: ParameterValue | None) -> None:
    if asked is None or asked == "":
        return
    found = re.fullmatch(r"(\d{1,6})m|(\d{1,4}(?:\.\d{1,6})?)", str(asked).strip())
    if found is None or not float(found[1] or found[2]):
        text = f"cpuReserve: found {str(asked)[:40]!r}, expected a number of cores, such as 1, 0.5 or 500m"
        raise InvalidError(Code.INVALID_REQUEST, text)


def _number(replica: str) -> int:
    return int(replica.rpartition("-")[2])
