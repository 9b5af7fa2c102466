"""Addresses of contract 002: training jobs.

Others use `jobs`, by `DOOR` alone.
"""

__all__: list[str] = []
