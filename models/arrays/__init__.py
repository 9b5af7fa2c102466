"""Arithmetic on whole arrays of series: columns, scales, seasons, intervals.

Others use `columns`, `filling`, `intervals`, `levels`, `published_values`, `scaling`, `season`.
"""

__all__: list[str] = []
