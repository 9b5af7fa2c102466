"""The topics as an AsyncAPI 3 document: what a producer may send, what a consumer finds, under which keys.

Made from `Topics` and `schemas/avro`, so it cannot say other than what the service does. Directions are the service's:
it *receives* commands and *sends* events. Topics that are its own have a channel, so that their names and clean-up are
known, and no operation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas.catalogue import Schema, current_schemas
from streams.topics import Topics, TopicSpec

__all__ = ["DESCRIBED", "TopicWords", "asyncapi_document"]

_VERSION: Final = "3.0.0"  # 3.1.0 is out; tools read 3.0.0 and we use nothing of the newer one
_BINDING: Final = "0.5.0"  # of the Kafka bindings; without it tools take whatever is their latest
_AVRO: Final = "application/vnd.apache.avro+json;version=1.9.0"  # as AsyncAPI names a schema in Avro's own language
_FRAMED: Final = "application/vnd.confluent.avro"  # a zero byte, four bytes of schema id, Avro; no registered name


@dataclass(frozen=True, slots=True)
class TopicWords:
    """What is to be said of a topic beyond its settings; `action` is None for what is nobody else's business."""

    summary: str
    key: str
    action: Literal["send", "receive"] | None = None
    reply: str | None = None


DESCRIBED: Final[Mapping[str, TopicWords]] = {
    "dataset-commands": TopicWords("Keep or remove a data set.", "The data_id as decimal text.", "receive"),
    "job-commands": TopicWords("Create, configure, submit or delete a job.", "The job_id as decimal text.", "receive"),
    "series-commands": TopicWords(
        "Train one series and forecast it; the command carries its history.",
        "The ts_id as decimal text.",
        "receive",
        reply="job-results",
    ),
    "forecasts": TopicWords(
        "The latest forecast of every series; a higher n of the same series is newer.",
        "The ts_id as decimal text.",
        "send",
    ),
    "metrics": TopicWords("Metrics of trainings, point by point.", "The workload_uid.", "send"),
    "job-results": TopicWords(
        "One answer per submitted series, a forecast or an error.", "The job_id as decimal text."
    ),
    "job-status": TopicWords(
        "The status of every job; an empty record where the job was deleted.", "The job_id as decimal text.", "send"
    ),
    "training-commands": TopicWords("Start or remove a training job.", "The project_id.", "receive"),
    "training-runs": TopicWords("Trainings that were accepted, for the trainers.", "The job_id as decimal text."),
    "training-status": TopicWords("What training jobs have come to, one event per epoch.", "The project_id.", "send"),
    "transform-commands": TopicWords("Start or stop a transform job.", "The transform job's name.", "receive"),
    "inference-requests": TopicWords(
        "Forecast one instance with an endpoint.",
        "Any; those of a transform job have its name and the line.",
        "receive",
        reply="inference-results",
    ),
    "inference-results": TopicWords(
        "The answer to every request, a forecast or an error.", "The transform job's name, else the request_id.", "send"
    ),
    "dead-letters": TopicWords(
        "What could not be read or applied: the original bytes, with the reason in headers.", "As the original.", "send"
    ),
}

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
    topics: Topics, *, version: str, prefix: str, servers: Sequence[str], registry_url: str, replicas: int
) -> dict[str, Any]:
    """The document; `servers` are brokers as host:port, `prefix` is what the names of topics begin with."""
    channels: dict[str, Any] = {}
    for spec in topics.all:
        name = spec.name.removeprefix(prefix)
        words = DESCRIBED.get(name, TopicWords("A table's changelog, private: others must not read it.", "The row's."))
        channels[name] = _channel(spec, words, topics.partitions, replicas)
    operations = {
        f"{words.action}-{name}": _operation(name, words, channels)
        for name, words in DESCRIBED.items()
        if words.action is not None and name in channels
    }
    return {
        "asyncapi": _VERSION,
        "info": {
            "title": "Tidecast",
            "version": version,
            "description": "Forecasts from posted series, on Kafka. Values are Avro in Confluent's wire format: a zero "
            "byte, four bytes of schema id, the record. A command has the effect of the HTTP call of its name.",
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


def _channel(spec: TopicSpec, words: TopicWords, partitions: int, replicas: int) -> dict[str, Any]:
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
    key = {"type": "string", "description": words.key}
    return {
        "address": spec.name,
        "summary": words.summary,
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


def _operation(name: str, words: TopicWords, channels: Mapping[str, Any]) -> dict[str, Any]:
    operation = {"action": words.action, "summary": words.summary, **_place(name, channels)}
    return operation | ({} if words.reply is None else {"reply": _place(words.reply, channels)})


def _place(name: str, channels: Mapping[str, Any]) -> dict[str, Any]:
    """A channel with all its messages, as operations and replies name them."""
    return {
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{message}"} for message in channels[name]["messages"]],
    }
