"""Addresses for who runs the service or reads its topics: health, metrics, schemas, AsyncAPI.

Others use `asyncapi`, `health`, `openapi_document`, `registry`, `schema_catalogue`.
"""

__all__: list[str] = []
