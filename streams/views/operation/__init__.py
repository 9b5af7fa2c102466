"""Addresses for who runs the service or reads its topics: health, metrics, workers, dead letters, changes, schemas.

Others use `asyncapi`, `cluster`, `dead_letters`, `figures`, `health`, `openapi_document`, `registry`,
`schema_catalogue`, `watch`.
"""

__all__: list[str] = []
