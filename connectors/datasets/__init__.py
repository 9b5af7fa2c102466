"""Data sets: what is kept of an uploaded file, and its split into checked series. Below it: `connectors.csv_files`.

Others use `added_rows`, `group_values`, `grown_tables`, `incoming`, `layered_splits`, `manifests`, `names`,
`number_formats`, `remote`, `split_warnings`, `splits`, `splitter`.
"""

__all__: list[str] = []
