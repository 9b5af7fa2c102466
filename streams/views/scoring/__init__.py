"""Addresses of contract 003: models, and what is made of them.

Others use `owners`, `reading`, `replies`.
"""

__all__: list[str] = []
