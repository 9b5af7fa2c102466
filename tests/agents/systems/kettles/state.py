"""The rows of kettles."""

from dataclasses import dataclass

from schemas.workloads import MetricPoint
from streams.rows.event_table import RecordTable
from streams.runtime import Part, StateRuntime


@dataclass(frozen=True, kw_only=True)
class KettleState(Part):
    kettles: RecordTable[MetricPoint]


def open_state(runtime: StateRuntime) -> Part:
    topic = runtime.topics.kettles_changelog
    return KettleState(kettles=RecordTable(runtime.app, "kettles", topic, **runtime.table_options))
