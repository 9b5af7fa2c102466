"""Arithmetic on whole arrays of series: columns, scales, seasons, intervals.

Others use `columns`, `intervals`, `published_values`, `scaling`, `season`.
"""

__all__: list[str] = []
