"""The address at which forecasts of a job's series are added up.

Others use `sums`, by `DOOR` alone.
"""

__all__: list[str] = []
