"""A Kafka broker on this machine: Java and its jars found or fetched, started, watched, ended."""

__all__: list[str] = []
