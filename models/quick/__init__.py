"""Models computed for thousands of series in one call: lines, averages, naive ones, simple smoothing."""

__all__: list[str] = []
