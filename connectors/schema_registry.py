"""A Confluent-compatible schema registry as the source of schema ids."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.catalogue import current_schemas
from schemas.codec import Codec

__all__ = ["RegistryError", "connect_registry"]


class RegistryError(RuntimeError):
    """The registry cannot be used; the text names its address and the remedy."""


def connect_registry(url: str, subjects: Mapping[str, Sequence[str]]) -> Codec:
    """Register today's schemas, each under its subjects, and return a codec with the registry's ids.

    Registering again is harmless: the registry answers the id that is there. RegistryError where it does not answer or
    refuses a schema as incompatible.
    """
    client = SchemaRegistryClient({"url": url})
    ids: dict[str, int] = {}
    for name, schema in current_schemas().items():
        for subject in subjects[name]:
            ids[name] = _register(client, url, subject, json.dumps(schema, ensure_ascii=False))
    return Codec(ids, lookup=lambda schema_id: _schema(client, schema_id))


def _register(client: SchemaRegistryClient, url: str, subject: str, text: str) -> int:
    try:
        return int(client.register_schema(subject, Schema(text, "AVRO")))
    except SchemaRegistryError as error:
        raise RegistryError(
            f"the schema registry at {url} refuses subject {subject}: {error.error_message}; compare the versions "
            "registered there with schemas/avro, or use another registry"
        ) from error
    except Exception as error:  # the client lets its HTTP library's errors through
        raise RegistryError(
            f"the schema registry at {url} does not answer ({type(error).__name__}): start it, or correct "
            "TIDECAST_REGISTRY_URL"
        ) from error


def _schema(client: SchemaRegistryClient, schema_id: int) -> dict[str, Any]:
    try:
        text = client.get_schema(schema_id).schema_str
    except SchemaRegistryError as error:
        raise LookupError(f"schema id {schema_id}: {error.error_message}") from error
    schema: dict[str, Any] = json.loads(text or "{}")
    return schema
