"""Addresses for who runs the service or reads its topics: health, metrics, schemas, AsyncAPI."""

__all__: list[str] = []
