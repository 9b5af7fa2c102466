"""The addresses of a job's shadow.

Others use `shadow`, by `DOOR` alone.
"""

__all__: list[str] = []
