"""`tidecast sums`."""

__all__: list[str] = []
