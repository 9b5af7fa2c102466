"""What is wrong with workloads and their points; on the wire, contract 004 has a name for each status."""

from enum import StrEnum

__all__ = ["WorkloadsCode"]


class WorkloadsCode(StrEnum):
    """Beside those of `streams.errors`."""

    BAD_POINT = "bad_point"
    BAD_UID = "bad_uid"
    CATCHING_UP = "catching_up"
    TOO_MANY_METRICS = "too_many_metrics"
    UNKNOWN_WORKLOAD = "unknown_workload"
