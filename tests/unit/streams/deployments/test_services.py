"""What may be asked for of services, and how their rows move on."""

from dataclasses import replace

import pytest

from schemas.deployments import DeployService, OperateReplica, ScaleService, ServiceRecord
from streams.deployments import services
from streams.errors import RejectedError

ROW = ServiceRecord(
    name="a-b",
    command_id="c",
    model_name="iris",
    model_type="onnx",
    model_key="k",
    model_size=1,
    server_version="3.8",
    created=0,
    replicas=("a-b-0", "a-b-1", "a-b-2"),
)
DEPLOY = DeployService("c", "svc", "iris", "3.8")


@pytest.mark.parametrize(
    ("asked", "size"),
    [(512, 512 << 20), ("512", 512 << 20), ("512Mi", 512 << 20), ("1Gi", 1 << 30), ("2G", 2 * 10**9), (None, None)],
)
def test_S060_memory(asked: int | str | None, size: int | None) -> None:
    """A bare number is MiB; Kubernetes' quantities are what they are there."""
    assert services.memory_bytes(asked) == size


@pytest.mark.parametrize("asked", ["lots", 0, -5, "1", "5Xi", 10**30, "1e3"])
def test_S060_what_is_no_memory(asked: int | str) -> None:
    """Less than a process takes is a mistake of the unit."""
    with pytest.raises(RejectedError, match="memoryReserve"):
        services.memory_bytes(asked)


@pytest.mark.parametrize(
    "changed",
    [
        {"service": ""},
        {"service": "a/b"},
        {"model_name": "x" * 65},
        {"server_version": "3"},
        {"replicas": 0},
        {"replicas": 17},
        {"cpu_reserve": "many"},
        {"cpu_reserve": 0},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_S059_what_cannot_be_deployed(changed: dict[str, str | int]) -> None:
    """Whoever sends it."""
    services.check_deployment(DEPLOY, versions=["3.8"], most=16)
    with pytest.raises(RejectedError):
        services.check_deployment(replace(DEPLOY, **changed), versions=["3.8"], most=16)  # type: ignore[arg-type]


def test_S065_replicas_are_paused_started_and_deleted() -> None:
    """With the last one the service goes."""

    def done(row: ServiceRecord, replica: str, operation: str) -> ServiceRecord:
        found = services.operated(row, OperateReplica("c", "a-b", replica, operation))
        assert found is not None
        return found

    paused = done(ROW, "a-b-1", "pause")
    assert (paused.replicas, paused.paused) == (ROW.replicas, ("a-b-1",))
    assert done(paused, "a-b-1", "start") == ROW
    left = done(done(paused, "a-b-1", "delete"), "a-b-0", "delete")
    assert (left.replicas, left.paused) == (("a-b-2",), ())
    assert services.operated(left, OperateReplica("c", "a-b", "a-b-2", "delete")) is None
    with pytest.raises(RejectedError, match="a-b-7"):
        services.operated(ROW, OperateReplica("c", "a-b", "a-b-7", "pause"))


def test_scaling_takes_the_lowest_numbers_that_are_free() -> None:
    """And the highest go first."""
    gap = replace(ROW, replicas=("a-b-0", "a-b-2"), paused=("a-b-2",))

    assert services.scaled(gap, 3).replicas == ("a-b-0", "a-b-1", "a-b-2")
    assert (services.scaled(gap, 1).replicas, services.scaled(gap, 1).paused) == (("a-b-0",), ())
    assert services.scaled(gap, 0).replicas == ()


def test_a_replica_is_of_the_service_that_its_name_says() -> None:
    """Names of services may have dashes."""
    assert services.service_of("a-b-0") == "a-b"
    with pytest.raises(RejectedError):
        services.check_change(OperateReplica("c", "other", "a-b-0", "pause"), most=16)
    with pytest.raises(RejectedError):
        services.check_change(ScaleService("c", "a-b", 17), most=16)
