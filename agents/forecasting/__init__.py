"""What the state does with forecasting jobs: creates, submits, sends out training, takes results, stops, deletes.

Others use `forecasts` and `jobs`, by `attach` alone.
"""

__all__: list[str] = []
