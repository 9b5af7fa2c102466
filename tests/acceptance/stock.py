"""A Kafka client as anybody would write it: Confluent's own classes, pointed at the service's schema catalogue."""

import uuid
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Message, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.integration.services import Service, until

__all__ = ["StockClient"]

_SCHEMAS: Final = Path(__file__).parents[2] / "schemas" / "avro"
_FILES: Final = {
    "AddDataset": "add_dataset",
    "AddModel": "add_model",
    "ConfigureJob": "configure_job",
    "CreateJob": "create_job",
    "DeployService": "deploy_service",
    "ScoringRequest": "scoring_request",
    "DeployScoringJob": "deploy_scoring_job",
    "DeleteDataset": "delete_dataset",
    "DeleteJob": "delete_job",
    "DeleteModel": "delete_model",
    "DeleteScoringJob": "delete_scoring_job",
    "DeleteService": "delete_service",
    "DeleteTrainingJob": "delete_training_job",
    "GenerateScript": "generate_script",
    "InferenceRequest": "inference_request",
    "OperateReplica": "operate_replica",
    "OperateScoringRun": "operate_scoring_run",
    "ScaleService": "scale_service",
    "StartScoringRun": "start_scoring_run",
    "StartTransform": "start_transform",
    "StopTrainingJob": "stop_training_job",
    "SubmitJob": "submit_job",
    "TrainDeepAR": "train_deep_ar",
}


class StockClient:
    """Produces commands with AvroSerializer and reads events with AvroDeserializer; knows nothing of the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._registry = SchemaRegistryClient({"url": f"{service.stack.url}/registry"})
        self._producer = Producer({"bootstrap.servers": service.bootstrap})
        self._deserialize = AvroDeserializer(self._registry)
        self._letters = service.tail(service.topics.dead_letters)

    def command(self, topic: str, key: int | str, record: str, /, **fields: Any) -> str:
        """Post a command and wait for the broker; its id."""
        command_id = str(uuid.uuid4())
        schema = (_SCHEMAS / f"{_FILES[record]}.avsc").read_text("utf-8")
        serialize = AvroSerializer(self._registry, schema)
        context = SerializationContext(topic, MessageField.VALUE)
        value = serialize({"command_id": command_id, **fields}, context)
        assert value is not None
        self.raw(topic, str(key).encode(), value)
        return command_id

    def registered(self, record: str, fields: dict[str, Any], topic: str) -> bytes:
        """A value made without any schema file: the latest of the record's own subject."""
        schema = self._registry.get_latest_version(f"tidecast.{record}").schema
        conf = {"use.latest.version": True, "auto.register.schemas": False}
        conf["subject.name.strategy"] = record_subject_name_strategy
        value = AvroSerializer(self._registry, schema, conf=conf)(
            fields, SerializationContext(topic, MessageField.VALUE)
        )
        assert value is not None
        return value

    def raw(self, topic: str, key: bytes | None, value: bytes | None) -> tuple[int, int]:
        """Post these bytes; partition and offset."""
        delivered: list[Message] = []

        def note(error: Any, message: Message) -> None:
            assert error is None, error
            delivered.append(message)

        self._producer.produce(topic, value, key, on_delivery=note)
        self._producer.flush(30)
        (message,) = delivered
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        return partition, offset

    def events(self, topic: str) -> list[tuple[bytes | None, dict[str, Any] | None]]:
        """Key and decoded value of all records of a topic, those of one key in their order."""
        context = SerializationContext(topic, MessageField.VALUE)
        found = []
        for message in self._service.read_all(topic):
            value = message.value()
            found.append((message.key(), None if value is None else self._deserialize(value, context)))
        return found

    def dead_letter(self, topic: str, partition: int, offset: int) -> Message:
        """The dead letter that was made of this record; waited for."""
        origin = {"topic": topic.encode(), "partition": b"%d" % partition, "offset": b"%d" % offset}

        def find() -> list[Message]:  # a list, because a message without bytes counts as false
            letters = self._letters.poll()
            return [letter for letter in letters if origin.items() <= dict(letter.headers() or []).items()]

        return until(find, why=f"there is a dead letter of {topic} {partition}-{offset}")[0]

    def refused(self, command_id: str) -> Message:
        """The dead letter with this command; waited for.

        Looked up by its id: the service sends a command from another partitioner on to its key's own partition.
        """
        return until(lambda: self.letters_of(command_id), why=f"there is a dead letter of command {command_id}")[0]

    def refusal(self, command_id: str) -> dict[str, str]:
        """The headers of the dead letter with this command; waited for."""
        return {name: value.decode() for name, value in self.refused(command_id).headers() or []}

    def letters_of(self, command_id: str) -> list[Message]:
        """The dead letters that hold this command so far."""
        return [letter for letter in self._letters.poll() if command_id.encode() in (letter.value() or b"")]

    def close(self) -> None:
        """Stop following the dead letters."""
        self._letters.close()
