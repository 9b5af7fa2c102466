"""What is said of services, which are deployed models (contract 003, section 3). Times are epoch milliseconds."""

from schemas.values import ParameterValue, record

__all__ = [
    "TYPES",
    "DeleteService",
    "DeployService",
    "OperateReplica",
    "ScaleService",
    "ScoringAnswerRecord",
    "ScoringRequest",
    "ScoringResult",
    "ServiceRecord",
]


@record()
class DeployService:
    """Let a model answer under a name, by some replicas (contract S-052 … S-057)."""

    command_id: str
    service: str
    model_name: str
    server_version: str
    replicas: int = 1
    cpu_reserve: ParameterValue | None = None
    memory_reserve: ParameterValue | None = None


@record()
class OperateReplica:
    """Pause, start or delete one replica (contract S-064 … S-066); with the last one the service goes."""

    command_id: str
    service: str
    replica: str
    operation: str


@record()
class ScaleService:
    """Change how many replicas a service has; it may have none for a time."""

    command_id: str
    service: str
    replicas: int


@record()
class DeleteService:
    """Remove a service with all its replicas."""

    command_id: str
    service: str


@record()
class ScoringRequest:
    """Ask a service later (contract S-069); `data` is the JSON that a waiting call would send."""

    command_id: str
    service: str
    data: str


@record()
class ScoringResult:
    """The answer to a ScoringRequest: `result` is the JSON of a waiting call's answer, else `error` says why not."""

    request_id: str
    service: str
    at: int
    result: str | None = None
    error: str | None = None


@record(kw_only=True)
class ServiceRecord:
    """A service in the table `services`; `paused` are those of its replicas that shall not run.

    `offset` is where the command lies that made it, -1 where that was not kept.
    """

    name: str
    command_id: str
    model_name: str
    model_type: str
    model_key: str
    model_size: int
    server_version: str
    created: int
    replicas: tuple[str, ...]
    paused: tuple[str, ...] = ()
    cpu_reserve: ParameterValue | None = None
    memory_reserve: ParameterValue | None = None
    digest: str = ""
    offset: int = -1


@record(kw_only=True)
class ScoringAnswerRecord:
    """A ScoringRequest in the table `scoring_answers`, with its answer once there is one."""

    request_id: str
    service: str
    created: int
    data: str | None = None
    ended: int | None = None
    result: str | None = None
    error: str | None = None
    digest: str = ""


TYPES: tuple[type, ...] = (
    DeployService,
    OperateReplica,
    ScaleService,
    DeleteService,
    ScoringRequest,
    ScoringResult,
    ServiceRecord,
    ScoringAnswerRecord,
)
