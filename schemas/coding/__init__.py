"""How what may be said becomes bytes: Avro behind Confluent's header.

Others use `codec`, `point_columns`, `wire`.
"""

__all__: list[str] = []
