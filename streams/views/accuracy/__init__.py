"""The addresses at which forecasts are judged by what came.

Others use `accuracy`, `alerts`, `anomalies`, by `DOOR` alone.
"""

__all__: list[str] = []
