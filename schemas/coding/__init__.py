"""How what may be said becomes bytes: Avro behind Confluent's header.

Others use `codec`, `point_columns`, `point_writer`, `wire`.
"""

__all__: list[str] = []
