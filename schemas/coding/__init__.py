"""How what may be said becomes bytes: Avro behind Confluent's header.

Others use `Codec`, `UndecodableError`, `unframe`.
"""

__all__: list[str] = []
