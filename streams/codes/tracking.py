"""What is wrong with experiments and runs; on the wire, each client has its own words for each status."""

from enum import StrEnum

__all__ = ["TrackingCode"]


class TrackingCode(StrEnum):
    """Beside those of `streams.errors`."""

    EXPERIMENT_EXISTS = "experiment_exists"
    OTHER_RUN = "other_run"
    PARAMETER_EXISTS = "parameter_exists"
    RUN_TOO_LARGE = "run_too_large"
    UNKNOWN_EXPERIMENT = "unknown_experiment"
    UNKNOWN_RUN = "unknown_run"
    UNSUPPORTED_SEARCH = "unsupported_search"
