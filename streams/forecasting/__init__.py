"""Forecasting jobs (contract 000): rules as pure functions, rows, tables and stores. No HTTP, no agent.

Others use `calendars`, `element_checks`, `forecast_table`, `inputs`, `jobs`, `plans`, `series_grids`, `split_store`,
`state`, `submissions`, `tables`, `time_travel`.
"""

__all__: list[str] = []
