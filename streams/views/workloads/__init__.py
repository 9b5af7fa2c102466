"""Workloads and their metrics over HTTP (contract 004): lists, points, live events, and how far the view is.

Others use `envelope`.
"""

__all__: list[str] = []
