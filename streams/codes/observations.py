"""For programs: what is wrong with observations."""

from enum import StrEnum

__all__ = ["ObservationsCode"]


class ObservationsCode(StrEnum):
    """Beside those of `streams.errors`."""

    BAD_ROW = "bad_row"
    NO_LAYOUT = "no_layout"
    OTHER_LAYOUT = "other_layout"
    TOO_MANY_ROWS = "too_many_rows"
    UNKNOWN_DATASET = "unknown_dataset"
    UNREADABLE = "unreadable"
