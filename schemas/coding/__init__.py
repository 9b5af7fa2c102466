"""How what may be said becomes bytes: Avro behind Confluent's header.

Others use `codec`, `wire`.
"""

__all__: list[str] = []
