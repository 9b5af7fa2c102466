"""Raises what topics and brokers allow to what is declared: a setting that has grown must reach topics that are there.

Nothing is ever lowered, so what an operator has set higher stays.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

__all__ = ["TooSmallError", "check_requests", "raise_limits"]

log = structlog.get_logger(__name__)

_SIZE: Final = "max.message.bytes"
_RAISED: Final = {_SIZE: "TIDECAST_MAX_MESSAGE_BYTES", "retention.ms": "the TIDECAST_…_RETENTION_DAYS of the topic"}
_UNLIMITED: Final = -1  # a retention; in no topic a size
_REQUEST: Final = "socket.request.max.bytes"


class TooSmallError(RuntimeError):
    """A topic or a broker allows less than is declared, and may not be changed from here; the text has the remedy."""


def raise_limits(admin: AdminClient, declared: Mapping[str, Mapping[str, str]], timeout_s: float) -> None:
    """Raise sizes and retentions of these topics (name → configuration) to what is declared, where that is larger.

    TooSmallError where the broker refuses it. A client that may not see configurations cannot know, and goes on.
    """
    topics = _described(admin, ResourceType.TOPIC, list(declared), timeout_s)
    missing = {name: changes for name, found in topics.items() if (changes := _missing(declared[name], found))}
    for name, reason in _alter(admin, missing, timeout_s).items():
        raise TooSmallError(_words(name, topics[name], missing[name], reason))


def check_requests(
    admin: AdminClient, declared: Sequence[Mapping[str, str]], brokers: Sequence[int], timeout_s: float
) -> None:
    """TooSmallError where a broker takes no request as large as a record of these topics may be."""
    largest = max((int(config[_SIZE]) for config in declared if _SIZE in config), default=0)
    for number, found in _described(admin, ResourceType.BROKER, [str(one) for one in brokers], timeout_s).items():
        if int(found.get(_REQUEST, largest)) < largest:
            raise TooSmallError(
                f"broker {number} takes requests of at most {found[_REQUEST]} bytes, and a record may have {largest}: "
                f"raise its {_REQUEST}, or lower TIDECAST_MAX_MESSAGE_BYTES"
            )


def _missing(declared: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    return {
        key: declared[key]
        for key in _RAISED
        if key in declared and key in found and _UNLIMITED != int(found[key]) < int(declared[key])
    }


def _described(
    admin: AdminClient, kind: ResourceType, names: Sequence[str], timeout_s: float
) -> dict[str, dict[str, str]]:
    """The configuration of each that may be seen."""
    if not names:
        return {}
    asked = admin.describe_configs([ConfigResource(kind, name) for name in names], request_timeout=timeout_s)
    found: dict[str, dict[str, str]] = {}
    for resource, described in asked.items():
        try:
            entries = described.result()
        except KafkaException as error:
            log.warning("configuration_cannot_be_seen", of=resource.name, reason=error.args[0].str())
            continue
        found[resource.name] = {key: entry.value for key, entry in entries.items() if entry.value is not None}
    return found


def _alter(admin: AdminClient, changes: Mapping[str, Mapping[str, str]], timeout_s: float) -> dict[str, str]:
    """Change the configuration of topics; why not, where it is refused."""
    if not changes:
        return {}
    asked = [
        ConfigResource(
            ResourceType.TOPIC,
            name,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in more.items()
            ],
        )
        for name, more in changes.items()
    ]
    refused: dict[str, str] = {}
    for resource, done in admin.incremental_alter_configs(asked, request_timeout=timeout_s).items():
        try:
            done.result()
        except KafkaException as error:
            refused[resource.name] = error.args[0].str()
        else:
            log.info("topic_configuration_raised", topic=resource.name, **changes[resource.name])
    return refused


def _words(name: str, found: Mapping[str, str], wanted: Mapping[str, str], reason: str) -> str:
    pairs = ", ".join(f"{key}={found[key]} where {value} is needed" for key, value in wanted.items())
    given = ",".join(f"{key}={value}" for key, value in wanted.items())
    settings = " and ".join(_RAISED[key] for key in wanted)
    return (
        f"topic {name} has {pairs}, which this client may not change ({reason}): set it with kafka-configs.sh --alter "
        f"--entity-type topics --entity-name {name} --add-config {given}, or lower {settings}"
    )
