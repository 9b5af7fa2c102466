"""What contract 003 answers about services, for the API document. Further keys may be added."""

from typing import Any

from pydantic import Field

from streams.views.scoring.replies import Reply

__all__ = ["Accepted", "Address", "AskedLater", "ServiceInfo", "ServiceList"]


class AddressData(Reply):
    restful_url: str = Field(description="Ends in a slash; the service's name is appended.")
    server_versions: list[str] = Field(description="What serverVersion may be.")


class Address(Reply):
    """Where services will answer."""

    data: AddressData


class ServicePod(Reply):
    name: str
    status: str = Field(description="starting, running, paused or failed.")


class ServiceData(Reply):
    service_name: str
    restful_url: str
    model_name: str
    service_version: str
    create_time: str
    cpu_reserve: float | str | None
    memory_reserve: float | str | None
    status: str = Field(description="running if any replica is; else starting, failed or paused.")
    reason: str | None = Field(default=None, description="Why it has failed; null while it has not.")
    pod_list: list[ServicePod]


class ServiceInfo(Reply):
    """A service."""

    data: ServiceData


class ServiceListData(Reply):
    service_list: list[ServiceData]


class ServiceList(Reply):
    """All services, newest first."""

    data: ServiceListData


class AcceptedData(Reply):
    status: bool
    request_id: str
    state: str


class Accepted(Reply):
    """A request that is answered later."""

    data: AcceptedData


class AskedLaterData(Reply):
    status: bool
    request_id: str
    state: str = Field(description="running, success or failed.")
    task: str | None = None
    result: list[Any] | None = None
    message: str | None = None


class AskedLater(Reply):
    """A request that was not waited for, with its answer once there is one."""

    data: AskedLaterData
