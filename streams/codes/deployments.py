"""For programs: what is wrong with services, their replicas and what is asked of them (contract 003)."""

from enum import StrEnum

__all__ = ["DeploymentCode"]


class DeploymentCode(StrEnum):
    """Beside those of `streams.errors` and `streams.codes.scoring`; over HTTP they are written ``ServicePaused``."""

    NO_REPLICA = "no_replica"
    SERVICE_EXISTS = "service_exists"
    SERVICE_FAILED = "service_failed"
    SERVICE_PAUSED = "service_paused"
    TIMEOUT = "timeout"
    TOO_MANY_REPLICAS = "too_many_replicas"
    UNKNOWN_REPLICA = "unknown_replica"
    UNKNOWN_REQUEST = "unknown_request"
    UNKNOWN_SERVICE = "unknown_service"
    UNKNOWN_VERSION = "unknown_version"
