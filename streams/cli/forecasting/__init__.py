"""`tidecast forecast` and `tidecast job`: from a CSV file to a table, plots and a file of forecasts.

Others use `csv_export`, `following`, `forecast`, `job`, `outcome`, `planning`, `plots`, `presenting`, `tables`.
"""

__all__: list[str] = []
