"""What is said of observations: rows of data sets that come after the upload."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["TYPES", "Cell", "Observation"]

Cell = float | str | None


@dataclass(frozen=True, slots=True)
class Observation:
    """What was observed of a series at a time: a new row of a data set, or a correction of the row that is there.

    `timestamp` is written as those of the data set, `groups` has the group values by column. `values` are cells by
    column, None for an empty one; columns that it does not name stay as they are, and are empty in a new row.
    `command_id` is that of a request whose last row it is, so that its sender can be told.
    """

    data_id: int
    timestamp: str
    values: Mapping[str, Cell]
    groups: Mapping[str, str] = field(default_factory=dict)
    command_id: str = ""
    project: str = ""


TYPES: tuple[type, ...] = (Observation,)
