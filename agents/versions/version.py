"""Which version of which training job a trainer is told to run."""

from dataclasses import dataclass
from typing import Self

from schemas.training import TrainDeepAR
from streams.training.jobs import first_version

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

    @classmethod
    def first_of(cls, command: TrainDeepAR) -> Self:
        """The only version of a job as earlier releases have it."""
        version_id, version_name = first_version(command.job_id)
        return cls(command.command_id, command.project_id, command.job_id, version_id, command.job_name, version_name)

    @property
    def workload_uid(self) -> str:
        """Whose its metric points are (contract M-012)."""
        return f"tj-{self.job_id}-{self.version_id}"
