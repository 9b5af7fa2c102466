"""Lists: which rows of a project they show, and in what order (contract T-090 … T-104, T-158)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from schemas.training_rows import TrainingJobRecord
from streams.training.states import ENDED

__all__ = ["DEFAULT_WORKSPACE", "Listing", "duration_of", "job_summary", "listed", "page_of"]

DEFAULT_WORKSPACE: Final = "0"
"""T-052."""
_ANY = TypeVar("_ANY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which jobs a list shows, and in what order (T-090 … T-096)."""

    statuses: frozenset[int] | None = None
    workspace_id: str = DEFAULT_WORKSPACE
    search_content: str = ""
    sort_by: str = "job_name"
    descending: bool = False
    page: int = 1
    per_page: int = 10


def listed(jobs: Iterable[TrainingJobRecord], listing: Listing, *, now: int) -> tuple[int, list[dict[str, Any]]]:
    """How many jobs fit, and those of the page."""
    wanted = listing.search_content.casefold()  # T-098
    fitting = [
        job
        for job in jobs
        if job.workspace_id == listing.workspace_id
        and (listing.statuses is None or job.status in listing.statuses)
        and wanted in job.job_name.casefold()
    ]
    fitting.sort(key=lambda job: job.job_id)
    fitting.sort(key=_sort_key(listing.sort_by, now), reverse=listing.descending)  # stable: equal ones stay by job_id
    return len(fitting), [job_summary(job, now=now) for job in page_of(fitting, listing.page, listing.per_page)]


def _sort_key(name: str, now: int) -> Callable[[TrainingJobRecord], Any]:
    if name == "duration":
        return lambda job: duration_of(job.status, job.start_time, job.changed, now)
    return lambda job: getattr(job, name)


def page_of(items: Sequence[_ANY], page: int, per_page: int) -> Sequence[_ANY]:
    """The items of a page, from 1; none past the end."""
    first = (page - 1) * per_page
    return items[first : first + per_page]


def job_summary(job: TrainingJobRecord, *, now: int) -> dict[str, Any]:
    """A job in a list: its own fields and those of its newest version (T-044, T-102), where it has one."""
    newest = {"version_id": job.version_id, "status": job.status} if job.version_count else {}
    return {
        "job_id": job.job_id,
        "job_name": job.job_name,
        **newest,
        "create_time": job.create_time,
        "duration": duration_of(job.status, job.start_time, job.changed, now),
        "job_desc": job.job_desc,
        "version_count": job.version_count,
    }


def duration_of(status: int, start: int | None, changed: int | None, now: int) -> int:
    """Milliseconds from the beginning of the training to its end, or until now (T-036, T-135)."""
    if start is None:
        return 0
    end = changed if status in ENDED and changed is not None else now
    return max(0, end - start)
