"""Workloads and the points of their metrics: what may be kept, by whichever door it comes, and who keeps it.

Others use `groups`, `points`, `producers`, `queries`, `shapes`, `state`.
"""

__all__: list[str] = []
