"""Addresses of contract 002: training jobs."""

__all__: list[str] = []
