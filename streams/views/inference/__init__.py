"""Addresses of contract 001: endpoints, transform jobs, uploads.

Others use `endpoints`, `transforms`, `uploads`, by `DOOR` alone.
"""

__all__: list[str] = []
