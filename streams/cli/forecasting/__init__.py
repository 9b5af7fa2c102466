"""`tidecast forecast` and `tidecast job`: from a CSV file to a table, plots and a file of forecasts."""

__all__: list[str] = []
