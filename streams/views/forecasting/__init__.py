"""Addresses of contract 000: data sets, jobs, models, forecasts.

Others use `datasets`, `forecasts`, `jobs`, `models`, by `DOOR` alone, and `bodies`.
"""

__all__: list[str] = []
