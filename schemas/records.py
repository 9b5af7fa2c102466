"""State: what the tables keep. Private to the service; encoded as the events are, so that it can evolve as they do."""

from dataclasses import dataclass

from schemas.commands import SeriesConfig
from schemas.events import CmdStatus

__all__ = ["Columns", "JobRecord", "Submission"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Chosen columns, by index in the data set's header."""

    timestamp_indexs: tuple[int, ...]
    target_indexs: tuple[int, ...]
    groupby_indexs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """One accepted SubmitJob that asked for training: element i has number first_n + i and series ts_offsets[i]."""

    command_id: str
    first_n: int
    ts_offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job, as the table `jobs` keeps it."""

    job_id: int
    data_id: int
    name: str | None
    related_user: int
    created: int
    status: CmdStatus = CmdStatus.CREATED
    sequence: int = 0
    message: str | None = None
    columns: Columns | None = None
    column_count: int = 0
    split: str | None = None
    first_ts_id: int = 0
    series_count: int = 0
    settings: tuple[SeriesConfig, ...] = ()
    submissions: tuple[Submission, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def submitted(self) -> int:
        """Series submissions accepted so far; also the number of the next one."""
        if not self.submissions:
            return 0
        last = self.submissions[-1]
        return last.first_n + len(last.ts_offsets)

    @property
    def ts_ids(self) -> range:
        """The ids of its series, ascending."""
        return range(self.first_ts_id, self.first_ts_id + self.series_count)
