"""What processes that score are asked and answer; light, because the trainer and every such process load it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.csv_files.dialect import Dialect
from connectors.csv_files.number_format import NumberFormat
from streams.scoring_jobs.inputs import ReadInput

__all__ = ["Finish", "Finished", "MakeLines", "Piece", "Scored", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """What is read: an object of the store, as a table or as JSON lines, and how what is made of it is written.

    `formats` has the columns of a table whose numbers are not written as programs write them.
    """

    key: str
    kind: Literal["csv", "jsonl"]
    written: Literal["csv", "jsonl"]
    header: tuple[str, ...]
    dialect: Dialect
    inputs: tuple[ReadInput, ...]
    formats: Mapping[str, NumberFormat] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Score what lies between two places of the source, and keep it as a part.

    `columns` are those of the results, once they are known.
    """

    store_url: str = field(repr=False)  # it may hold a password
    source: Source
    model_key: str
    begin: int
    end: int
    part_key: str
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A part is kept; `error` is why the run cannot go on."""

    rows: int = 0
    wrong: int = 0
    columns: tuple[str, ...] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MakeLines:
    """Make lines of a file that holds one JSON array."""

    store_url: str = field(repr=False)
    key: str
    lines_key: str


@dataclass(frozen=True, slots=True, eq=False)
class Finish:
    """Put the parts together: into the run's result, and into the data set of the job."""

    store_url: str = field(repr=False)
    source: Source
    parts: tuple[str, ...]
    columns: tuple[str, ...]
    result_key: str
    run_id: str
    job_name: str
    output_dataset: str
    output_id: int


@dataclass(frozen=True, slots=True)
class Finished:
    """It is there; `error` is why it is not."""

    error: str | None = None
