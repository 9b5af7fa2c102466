"""Which version of which training job a trainer is told to run."""

from dataclasses import dataclass
from typing import Self

from agents.series.turns import Owner
from schemas.training import TrainDeepAR
from streams.access.caller import DEFAULT_PROJECT
from streams.access.names import scoped
from streams.training.jobs import first_version
from streams.training.versions import workload_of

__all__ = ["Version"]


@dataclass(frozen=True, slots=True)
class Version:
    """A version, and the command that asks for its run."""

    command_id: str
    project_id: str
    job_id: int
    version_id: int
    job_name: str
    version_name: str
    log_key: str = ""
    """Below it in the object store each worker's log is put once it has ended (T-066); empty: nowhere."""
    project: str = ""
    """Whose its files, endpoint and points are; empty: the default project's."""

    @classmethod
    def first_of(cls, command: TrainDeepAR) -> Self:
        """The only version of a job as earlier releases have it."""
        version_id, version_name = first_version(command.job_id)
        return cls(command.command_id, command.project_id, command.job_id, version_id, command.job_name, version_name)

    @property
    def workload_uid(self) -> str:
        """Whose its metric points are (contract M-012), as its project calls it."""
        return workload_of(self.job_id, self.version_id)

    @property
    def kept_uid(self) -> str:
        """The same, as points have it."""
        return scoped(self.project, self.workload_uid)

    @property
    def owner(self) -> Owner:
        """Who takes turns with others; while access control is off, the address alone says whose a version is."""
        of_address = "" if self.project_id == DEFAULT_PROJECT else self.project_id
        return Owner(self.project or of_address, self.job_id)

    @property
    def endpoint(self) -> str:
        """The name of its endpoint, as it is kept."""
        return scoped(self.project, self.job_name)
