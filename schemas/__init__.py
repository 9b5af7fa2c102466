"""What may be said: one Avro schema and one frozen dataclass per event, and the Confluent wire format."""

__all__: list[str] = []
