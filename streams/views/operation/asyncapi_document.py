"""The topics as an AsyncAPI 3 document: what a producer may send, what a consumer finds, under which keys.

Made from `Topics` and `schemas/avro`, so it cannot say other than what the service does. Directions are the service's:
it *receives* commands and *sends* events. Topics that are its own have a channel, so that their names and clean-up are
known, and no operation.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.catalogue import Schema, current_schemas
from streams.systems import DeclaredTopic
from streams.topics import Topics, TopicSpec

__all__ = ["asyncapi_document"]

_VERSION: Final = "3.0.0"  # 3.1.0 is out; tools read 3.0.0 and we use nothing of the newer one
_BINDING: Final = "0.5.0"  # of the Kafka bindings; without it tools take whatever is their latest
_AVRO: Final = "application/vnd.apache.avro+json;version=1.9.0"  # as AsyncAPI names a schema in Avro's own language
_FRAMED: Final = "application/vnd.confluent.avro"  # a zero byte, four bytes of schema id, Avro; no registered name


_RECEIVED: Final = "receive"
_TAGS: Final = (
    {"name": "commands", "description": "What the service receives: producers send it."},
    {"name": "events", "description": "What the service sends: consumers read it."},
)

_LETTER: Final[dict[str, Any]] = {
    "name": "DeadLetter",
    "title": "Dead letter",
    "contentType": "application/octet-stream",
    "headers": {
        "type": "object",
        "required": ["topic", "partition", "offset", "schema-id", "error-class", "error"],
        "properties": {
            "topic": {"type": "string", "description": "Where the original was."},
            "partition": {"type": "string", "description": "Its partition, as decimal text."},
            "offset": {"type": "string", "description": "Its offset, as decimal text."},
            "schema-id": {"type": "string", "description": "Its schema id; empty where it has none."},
            "error-class": {"type": "string", "description": "The kind of error."},
            "error": {"type": "string", "description": "The reason, for people."},
            "omitted-bytes": {"type": "string", "description": "Size of an original that was too large to be kept."},
        },
    },
}


def asyncapi_document(
    topics: Topics, *, version: str, servers: Sequence[str], registry_url: str, replicas: int
) -> dict[str, Any]:
    """The document; `servers` are brokers as host:port."""
    channels: dict[str, Any] = {}
    for spec in topics.all:
        channels[spec.declared.name] = _channel(spec, topics.partitions, replicas)
    operations = {
        f"{topic.action}-{topic.name}": _operation(topic, channels)
        for topic in (spec.declared for spec in topics.all)
        if topic.action is not None
    }
    return {
        "asyncapi": _VERSION,
        "info": {
            "title": "Tidecast",
            "version": version,
            "description": "Forecasts from posted series, on Kafka. Values are Avro in Confluent's wire format: a zero "
            "byte, four bytes of schema id, the record. A command has the effect of the HTTP call of its name.",
            "contact": {"name": "Tidecast"},
            "license": {"name": "Apache-2.0"},
            "tags": list(_TAGS),
        },
        "defaultContentType": _FRAMED,
        "servers": {f"broker-{number}": _server(at, registry_url) for number, at in enumerate(servers, 1)},
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": {
                name: {"schemaFormat": _AVRO, "schema": schema} for name, schema in sorted(current_schemas().items())
            }
        },
    }


def _server(at: str, registry_url: str) -> dict[str, Any]:
    registry = {"schemaRegistryUrl": registry_url, "schemaRegistryVendor": "confluent", "bindingVersion": _BINDING}
    return {"host": at, "protocol": "kafka", "bindings": {"kafka": registry}}


def _channel(spec: TopicSpec, partitions: int, replicas: int) -> dict[str, Any]:
    config: dict[str, Any] = {
        "cleanup.policy": spec.config["cleanup.policy"].split(","),
        "max.message.bytes": int(spec.config["max.message.bytes"]),
    }
    if "retention.ms" in spec.config:
        config["retention.ms"] = int(spec.config["retention.ms"])
    binding = {
        "topic": spec.name,
        "partitions": partitions,
        "replicas": replicas,
        "topicConfiguration": config,
        "bindingVersion": _BINDING,
    }
    key = {"type": "string", "description": spec.declared.key}
    return {
        "address": spec.name,
        "summary": spec.declared.words,
        "messages": {record: _message(record, current_schemas()[record], key) for record in spec.records}
        or {"DeadLetter": {**_LETTER, "bindings": {"kafka": {"key": key, "bindingVersion": _BINDING}}}},
        "bindings": {"kafka": binding},
    }


def _message(record: str, schema: Schema, key: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": record,
        "title": record,
        "summary": schema["doc"],
        "contentType": _FRAMED,
        "payload": {"$ref": f"#/components/schemas/{record}"},
        "bindings": {
            "kafka": {
                "key": key,
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "bindingVersion": _BINDING,
            }
        },
    }


def _operation(topic: DeclaredTopic, channels: Mapping[str, Any]) -> dict[str, Any]:
    received = topic.action == _RECEIVED
    operation = {
        "action": topic.action,
        "summary": topic.words,
        "description": f"The service {'receives' if received else 'sends'} these records. Key: {topic.key}",
        "tags": [{"name": _TAGS[0 if received else 1]["name"]}],
        **_place(topic.name, channels),
    }
    return operation | ({} if topic.reply is None else {"reply": _place(topic.reply, channels)})


def _place(name: str, channels: Mapping[str, Any]) -> dict[str, Any]:
    """A channel with all its messages, as operations and replies name them."""
    return {
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{message}"} for message in channels[name]["messages"]],
    }
