"""The quotas that there are, what limits them, and the refusal of what would go beyond. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streams.access.caller import DEFAULT_PROJECT
from streams.codes.access import AccessCode
from streams.errors import TooManyError
from streams.settings import Settings

__all__ = ["QUOTAS", "SHARED", "Quota", "limit_of", "over", "waiting"]


@dataclass(frozen=True, slots=True)
class Quota:
    """One kind of thing that a project may have so much of: its name, its setting, and what people call it."""

    name: str
    setting: str
    words: str
    remedy: str

    @property
    def variable(self) -> str:
        """The environment's name of the setting."""
        return f"TIDECAST_{self.setting.upper()}"


QUOTAS: Final[Mapping[str, Quota]] = {
    quota.name: quota
    for quota in (
        Quota("datasets", "max_project_datasets", "data sets", "delete some"),
        Quota("jobs", "max_project_jobs", "forecasting jobs", "delete some"),
        Quota("series", "max_project_series", "series of all forecasting jobs", "delete jobs, or choose fewer groups"),
        Quota("stored_bytes", "max_project_bytes", "bytes of data sets, uploads and outputs", "delete data sets"),
        Quota("services", "max_project_services", "services", "delete some"),
        Quota("replicas", "max_project_replicas", "replicas of all services", "scale some down"),
        Quota("training_jobs", "max_training_jobs", "training jobs", "delete some"),
        Quota("running_versions", "max_running_versions", "running versions of training jobs", "wait"),
    )
}
"""By name."""
SHARED: Final = ("jobs", "series", "services", "replicas")
"""What the rows of several state workers count for: they tell one another."""


def limit_of(quota: str, settings: Settings, own: Mapping[str, int]) -> int:
    """Most that a project with these quotas of its own may have; 0: as much as it likes."""
    limit = own.get(quota)
    return int(getattr(settings, QUOTAS[quota].setting)) if limit is None else limit


def over(quota: str, project: str, *, used: int, wanted: int, limit: int) -> TooManyError:
    """The refusal: which quota, its limit, what is used, and the remedy."""
    it = QUOTAS[quota]
    text = (
        f"quota {quota}: project {project or DEFAULT_PROJECT} may have {limit} {it.words}, has {used}, and this would "
        f"add {wanted}: {it.remedy}, or have the quota raised ({it.variable}, or the project's own)"
    )
    return TooManyError(AccessCode.QUOTA_FULL, text, {"field": quota})


def waiting(quota: str, project: str, *, limit: int) -> TooManyError:
    """Why what is new waits, while what is known goes on. It says the same until the limit is another one."""
    it = QUOTAS[quota]
    text = (
        f"quota {quota}: project {project or DEFAULT_PROJECT} may have {limit} {it.words}, so those that are new wait "
        f"for room: {it.remedy}, or have the quota raised ({it.variable}, or the project's own)"
    )
    return TooManyError(AccessCode.QUOTA_FULL, text, {"field": quota})
