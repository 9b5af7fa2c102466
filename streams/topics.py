"""The topics that the systems declare, with their full names and their settings on the broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.settings import Settings
from streams.systems import SYSTEMS, DeclaredTopic, Keep, System

__all__ = ["TopicSpec", "Topics", "record_subjects"]

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_FRAMING = 1024  # bytes above the largest record that Kafka needs for itself, see connectors.kafka.publisher
_DEAD_LETTERS = DeclaredTopic(
    name="dead-letters",
    records=(),
    keep=Keep.LETTERS,
    words="What could not be read or applied: the original bytes, with the reason in headers.",
    key="As the original.",
    action="send",
)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic: its full name, the record types it may carry, its settings on the broker, and its declaration."""

    name: str
    records: tuple[str, ...]
    config: Mapping[str, str]
    declared: DeclaredTopic


class Topics:
    """Names and settings of all topics of one installation: those of its systems, and the dead letters.

    The full name of the topic `job-commands` is the attribute `job_commands`, and so for each.
    """

    def __init__(self, settings: Settings, systems: Sequence[System] = SYSTEMS) -> None:
        prefix, configs = settings.topic_prefix, _configs(settings)
        declared = [
            *(topic for system in systems for topic in system.topics),
            _DEAD_LETTERS,
            *(table.changelog for system in systems for table in system.tables),
        ]
        self.partitions = settings.partitions
        self.largest_record = settings.max_message_bytes + _FRAMING
        self.all = tuple(
            TopicSpec(prefix + topic.name, topic.records, configs[topic.keep], topic) for topic in declared
        )
        self.__dict__.update({topic.name.replace("-", "_"): prefix + topic.name for topic in declared})

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"no system of this installation declares the topic {name.replace('_', '-')}")


def _configs(settings: Settings) -> Mapping[Keep, Mapping[str, str]]:
    size = {"max.message.bytes": str(settings.max_message_bytes + _FRAMING)}
    days = settings.event_retention_days
    compact = {**size, "cleanup.policy": "compact"}
    return {
        Keep.COMMANDS: {**size, "cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)},
        Keep.EVENTS: {**size, "cleanup.policy": "delete", "retention.ms": str(days * 4 * _DAY_MS)},
        Keep.LATEST: {**size, "cleanup.policy": "compact,delete", "retention.ms": str(days * 4 * _DAY_MS)},
        Keep.STATUS: compact,
        Keep.AUDIT: {
            **size,
            "cleanup.policy": "delete",
            "retention.ms": str(settings.audit_retention_days * _DAY_MS),
        },
        Keep.LETTERS: {
            **size,
            "cleanup.policy": "delete",
            "retention.ms": str(settings.dead_letter_retention_days * _DAY_MS),
        },
        # A former owner's late row is undone a second later; until then the row that it hides must still be there.
        Keep.CHANGELOG: {**compact, "min.compaction.lag.ms": str(_HOUR_MS)},
    }


def record_subjects(topics: Topics) -> Mapping[str, tuple[str, ...]]:
    """The registry subjects of each record type.

    A topic with one record type has the usual `<topic>-value`. Types that share a command topic are registered under
    their full names (Confluent's RecordNameStrategy), for they are no versions of one another; once, however many
    command topics carry them.
    """
    subjects: dict[str, tuple[str, ...]] = {}
    for spec in topics.all:
        for record in spec.records:
            subject = f"{spec.name}-value" if len(spec.records) == 1 else f"tidecast.{record}"
            subjects[record] = tuple(dict.fromkeys((*subjects.get(record, ()), subject)))
    return subjects
