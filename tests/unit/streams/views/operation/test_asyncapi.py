"""The AsyncAPI document: its form, that it names only what it has, and that it says what the service does."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import fastavro
import httpx
import jsonschema_rs
import pytest

from schemas.catalogue import current_schemas
from streams.settings import Settings
from streams.topics import Topics
from streams.views.application import create_http
from streams.views.operation.asyncapi_document import asyncapi_document
from streams.workers import apps


def only(required: str, optional: str = "", **known: Any) -> dict[str, Any]:
    """A JSON Schema: an object with these members, no others."""
    members = {name: known.get(name, {"type": "string", "minLength": 1}) for name in f"{required} {optional}".split()}
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": members}


def each(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema: an object with names of its own whose values are all alike."""
    names = {"pattern": r"^[A-Za-z0-9_\-]+$"}
    return {"type": "object", "minProperties": 1, "propertyNames": names, "additionalProperties": schema}


# What AsyncAPI 3.0.0 and its Kafka bindings 0.5.0 say of the objects that we use, narrowed to the members that we use.
REF = only("$ref", **{"$ref": {"type": "string", "pattern": "^#/"}})
REFS = {"type": "array", "minItems": 1, "uniqueItems": True, "items": REF}
BINDING = {"const": "0.5.0"}
TEXT = {"type": "object", "required": ["type"], "properties": {"type": {"const": "string"}}}
TAGS = {"type": "array", "minItems": 1, "items": only("name", "description", name={"enum": ["commands", "events"]})}
COUNT = {"type": "integer", "minimum": 1}
KEYED = only(
    "key bindingVersion",
    "schemaIdLocation schemaIdPayloadEncoding",
    key=TEXT,
    bindingVersion=BINDING,
    schemaIdLocation={"enum": ["payload", "header"]},
)
MESSAGE = only(
    "name title contentType bindings",
    "summary headers payload",
    headers={"type": "object", "required": ["type"], "properties": {"type": {"const": "object"}}},
    payload=REF,
    bindings=only("kafka", kafka=KEYED),
)
POLICY = {"type": "array", "minItems": 1, "items": {"enum": ["compact", "delete"]}}
TOPIC = only(
    "topic partitions replicas topicConfiguration bindingVersion",
    partitions=COUNT,
    replicas=COUNT,
    bindingVersion=BINDING,
    topicConfiguration=only(
        "cleanup.policy max.message.bytes",
        "retention.ms",
        **{"cleanup.policy": POLICY, "max.message.bytes": COUNT, "retention.ms": COUNT},
    ),
)
CHANNEL = only("address summary messages bindings", messages=each(MESSAGE), bindings=only("kafka", kafka=TOPIC))
OPERATION = only(
    "action channel summary description tags messages",
    "reply",
    tags=TAGS,
    action={"enum": ["send", "receive"]},
    channel=REF,
    messages=REFS,
    reply=only("channel messages", channel=REF, messages=REFS),
)
REGISTRY = only(
    "schemaRegistryUrl schemaRegistryVendor bindingVersion",
    schemaRegistryUrl={"type": "string", "pattern": "^https?://"},
    bindingVersion=BINDING,
)
AVRO = only(
    "schemaFormat schema",
    schemaFormat={"const": "application/vnd.apache.avro+json;version=1.9.0"},
    schema={"type": "object", "required": ["type", "name", "fields"]},
)
DOCUMENT = only(
    "asyncapi info defaultContentType servers channels operations components",
    asyncapi={"const": "3.0.0"},
    info=only(
        "title version description contact license tags",
        contact=only("name"),
        license=only("name"),
        tags=TAGS,
    ),
    servers=each(only("host protocol bindings", protocol={"const": "kafka"}, bindings=only("kafka", kafka=REGISTRY))),
    channels=each(CHANNEL),
    operations=each(OPERATION),
    components=only("schemas", schemas=each(AVRO)),
)
FORM = jsonschema_rs.validator_for(DOCUMENT)


def document(**settings: Any) -> dict[str, Any]:
    """The document of an installation, as it goes over the wire."""
    given = Settings(**settings)
    made = asyncapi_document(
        Topics(given),
        version="1.2.3",
        servers=["kafka-1:9092", "kafka-2:9092"],
        registry_url="http://registry:8081",
        replicas=given.replication_factor,
    )
    copied: dict[str, Any] = json.loads(json.dumps(made))
    return copied


def references(node: Any) -> Iterator[str]:
    """Every `$ref`; Avro schemas have none."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def resolved(made: dict[str, Any], reference: str) -> Any:
    """What a reference points to."""
    node: Any = made
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


class TestForm:
    """AsyncAPI's rules. The whole document also passed the official JSON Schemas 3.0.0 and 3.1.0 when it was made."""

    def test_the_document_has_the_form(self) -> None:
        """No member too many, none missing, every value of its type."""
        assert [f"{error.instance_path}: {error.message}" for error in FORM.iter_errors(document())] == []

    @pytest.mark.parametrize("lost", ["channels", "operations", "info"])
    def test_a_document_without_a_part_has_not(self, lost: str) -> None:
        """The check itself can say no."""
        made = document()
        del made[lost]

        assert not FORM.is_valid(made)

    def test_every_reference_leads_somewhere(self) -> None:
        """And the messages of an operation are those of its channel, as the specification asks."""
        made = document()

        assert all(resolved(made, reference) for reference in references(made))
        for operation in made["operations"].values():
            for part in (operation, operation.get("reply", operation)):
                channel = part["channel"]["$ref"]
                assert all(message["$ref"].startswith(f"{channel}/messages/") for message in part["messages"])

    def test_names_need_no_escape(self) -> None:
        """A prefix with dots is in addresses only: references stay plain."""
        made = document(topic_prefix="blue.x_")

        assert FORM.is_valid(made)
        assert all(re.fullmatch(r"[a-z\-]+", name) for name in made["channels"])
        assert made["channels"]["forecasts"]["address"] == "blue.x_forecasts"


class TestContent:
    """It says what the service does."""

    def test_channels_are_the_topics(self) -> None:
        """All of them, with the settings that the broker is given."""
        topics = Topics(Settings(partitions=6))
        channels = document(partitions=6, replication_factor=3)["channels"].values()

        assert {channel["address"] for channel in channels} == {spec.name for spec in topics.all}
        for spec in topics.all:
            binding = next(it for it in channels if it["address"] == spec.name)["bindings"]["kafka"]
            config = {
                name: ",".join(value) if isinstance(value, list) else str(value)
                for name, value in binding["topicConfiguration"].items()
            }
            assert (binding["topic"], binding["partitions"], binding["replicas"]) == (spec.name, 6, 3)
            # The form of the bindings refuses all other settings, as one of the private changelogs is.
            unsaid = {"min.compaction.lag.ms": "3600000"} if spec.name.endswith("-changelog") else {}
            assert config | unsaid == spec.config

    def test_messages_are_the_records_of_the_topic(self) -> None:
        """With the very schemas of `schemas/avro`, which stock Avro can parse."""
        made = document()
        for spec in Topics(Settings()).all:
            messages = made["channels"][spec.name.removeprefix("tidecast.")]["messages"]
            assert tuple(messages) == (spec.records or ("DeadLetter",))
            for record in spec.records:
                schema = resolved(made, messages[record]["payload"]["$ref"])["schema"]
                assert schema == current_schemas()[record]
                fastavro.parse_schema(schema, named_schemas={})

    def test_what_others_may_do(self) -> None:
        """Commands are received, public events are sent; the rest is the service's own."""
        operations = document()["operations"]

        assert {name for name, it in operations.items() if it["action"] == "receive"} == {
            "receive-access-commands",
            "receive-dataset-commands",
            "receive-job-commands",
            "receive-model-commands",
            "receive-observations",
            "receive-scoring-job-commands",
            "receive-series-commands",
            "receive-training-commands",
            "receive-transform-commands",
            "receive-tracking-commands",
            "receive-inference-requests",
            "receive-scoring-requests",
            "receive-service-commands",
        }
        assert {name for name, it in operations.items() if it["action"] == "send"} == {
            "send-forecasts",
            "send-metrics",
            "send-job-status",
            "send-scoring-results",
            "send-scoring-run-status",
            "send-training-status",
            "send-training-logs",
            "send-inference-results",
            "send-dead-letters",
            "send-audit",
            "send-alerts",
        }

    def test_every_topic_is_described(self) -> None:
        """With a sentence of its own, and with its key; changelogs are private and share theirs."""
        channels = document()["channels"]
        public = [it["summary"] for name, it in channels.items() if not name.endswith("-changelog")]

        assert len(public) == len(set(public)) == 29
        assert all(summary.endswith(".") for summary in public)

    def test_keys_are_named(self) -> None:
        """A producer must key as the service does."""
        channels = document()["channels"]
        keys = {
            name: next(iter(it["messages"].values()))["bindings"]["kafka"]["key"]["description"]
            for name, it in channels.items()
        }

        assert keys["forecasts"] == keys["series-commands"] == "The ts_id as decimal text."
        assert keys["job-commands"] == "The job_id as decimal text."


class TestAddress:
    """GET /asyncapi.json."""

    @pytest.fixture
    async def client(self, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
        """A client of a worker with two brokers and a registry that wants a password."""
        given = Settings(home=tmp_path, registry_url="http://user:hidden-word@registry:8081", http_port=4711)
        state = apps.create_state(given.model_copy(update={"registry_url": None}), "kafka-1:9092,kafka-2:9092")
        object.__setattr__(state, "settings", given)
        transport = httpx.ASGITransport(create_http(state))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client

    async def test_the_document_is_served(self, client: httpx.AsyncClient) -> None:
        """With this installation's brokers."""
        answer = await client.get("/asyncapi.json")

        assert answer.status_code == 200
        assert FORM.is_valid(answer.json())
        assert [server["host"] for server in answer.json()["servers"].values()] == ["kafka-1:9092", "kafka-2:9092"]

    async def test_a_password_is_not_shown(self, client: httpx.AsyncClient) -> None:
        """The registry's address, without what opens it."""
        answer = await client.get("/asyncapi.json")

        assert "hidden-word" not in answer.text
        assert '"schemaRegistryUrl":"http://registry:8081"' in answer.text

    async def test_without_a_registry_the_own_catalogue_is_named(self, tmp_path: Path) -> None:
        """Where stock deserialisers find the schemas."""
        state = apps.create_state(Settings(home=tmp_path, http_port=4711), "127.0.0.1:1")
        transport = httpx.ASGITransport(create_http(state))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.get("/asyncapi.json")

        registry = answer.json()["servers"]["broker-1"]["bindings"]["kafka"]["schemaRegistryUrl"]
        assert registry == "http://127.0.0.1:4711/registry"
