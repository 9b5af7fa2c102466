"""Forecasts of a job's series added up: which series a sum has, which of their results, and what it comes to.

Pure functions. Others use `adding`, `asked`, `branches`, `results`.
"""

__all__: list[str] = []
