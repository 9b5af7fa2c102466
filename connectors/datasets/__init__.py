"""Data sets: what is kept of an uploaded file, and its split into checked series. Below it: `connectors.csv_files`."""

__all__: list[str] = []
