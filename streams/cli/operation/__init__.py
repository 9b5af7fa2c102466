"""For who runs the service: dead letters, Kafka Connect, Redis."""

__all__: list[str] = []
