"""Print forecasts as they are published, with nothing of Tidecast: the stock Kafka client and the stock deserialiser.

    .venv/bin/python examples/watch_forecasts.py [BOOTSTRAP] [REGISTRY]

Defaults: 127.0.0.1:9092 and http://127.0.0.1:8080/registry, which `make up` serves. Ctrl-C ends it.
"""

import sys
import uuid

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

TOPIC = "tidecast.forecasts"


def main(bootstrap: str = "127.0.0.1:9092", registry: str = "http://127.0.0.1:8080/registry") -> None:
    """Read from the beginning of the topic; it is compacted, so that is the latest forecast of every series."""
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"watch-{uuid.uuid4()}", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([TOPIC])
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                print(message.error(), file=sys.stderr)
                continue
            forecast = deserialize(message.value(), SerializationContext(TOPIC, MessageField.VALUE))
            values = " ".join(f"{value:g}" for value in forecast["mean"])
            first = forecast["timestamps"][0]  # a datetime in UTC
            print(f"{forecast['item_id']:<16} {forecast['model_name']:<16} {first:%Y-%m-%d}  {values}", flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
