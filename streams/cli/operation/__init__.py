"""For who runs the service: dead letters, Kafka Connect, Redis.

Others use `connect`, `dead_letters`, `redis`.
"""

__all__: list[str] = []
