"""What may be said: one module of frozen dataclasses per system, with an Avro schema each, field by field the same.

Each module's `TYPES` are its messages and rows; the other names are parts of those. `catalogue` has the schemas.
"""

__all__: list[str] = []
