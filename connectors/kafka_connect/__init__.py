"""Sinks on a Kafka Connect cluster: its REST interface, and the plugins that a worker needs."""

__all__: list[str] = []
