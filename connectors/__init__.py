"""How the outside is reached: Kafka, the schema registry, the object store, files, child processes."""

__all__: list[str] = []
