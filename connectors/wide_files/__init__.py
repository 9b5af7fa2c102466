"""Tables with a column for each series, read as tables with a row for each value. Below it: `connectors.csv_files`.

Others use `reading` and `stacking`.
"""

__all__: list[str] = []
