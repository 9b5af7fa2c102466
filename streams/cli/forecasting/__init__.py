"""`tidecast forecast` and `tidecast job`: from a CSV file to a table, plots and a file of forecasts.

Others use `columns`, `csv_export`, `following`, `forecast`, `input_file`, `job`, `outcome`, `planning`, `plots`,
`presenting`, `sums`, `tables`, `wording`.
"""

__all__: list[str] = []
