"""A version that cannot be run, as its config tells."""

from agents.versions.log import VersionLog
from agents.versions.run import RunFailedError, VersionRun
from agents.versions.version import Version
from schemas.training import TrainingStatus

__all__ = ["RefusedRun"]


class RefusedRun(VersionRun):
    """Ends at once, with the reason."""

    what = "refused"

    def __init__(self, version: Version, log: VersionLog, reason: RunFailedError) -> None:
        super().__init__(version, log)
        self._reason = reason

    @property
    def begun(self) -> bool:
        """Nothing is run."""
        return False

    async def work(self) -> None:
        """RunFailedError."""
        raise self._reason

    def publish(self) -> TrainingStatus | None:
        """Nothing comes of it."""
        raise self._reason

    def status(self, number: int, *, at: int, message: str | None = None) -> TrainingStatus:
        """The version with this status."""
        version = self.version
        of = version.project_id, version.job_id, version.version_id
        return TrainingStatus(*of, number, at, message=message, log_files=1, project=version.project)
