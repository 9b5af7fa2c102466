"""Addresses of contract 003: models, and what is made of them.

Others use nothing here.
"""

__all__: list[str] = []
