"""Sinks on a Kafka Connect cluster: its REST interface, and the plugins that a worker needs.

Others use `rest`, `state`; the image runs `parts`.
"""

__all__: list[str] = []
