"""`tidecast deepar …`: trains and asks DeepAR models, with files and charts of one's own.

Others use `client`, `commands`, `csv_series`, `fan_charts`, `predictions`, `series`, `training`.
"""

__all__: list[str] = []
