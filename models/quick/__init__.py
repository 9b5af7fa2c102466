"""Models computed for thousands of series in one call: lines, averages, naive ones, simple smoothing.

Others use `adaptive`, `lines`, `naive`, `specs`; the catalogue names the models.
"""

__all__: list[str] = []
