"""The addresses at which a data set takes rows after its upload, and a job its data set as it is now.

Others use `refreshing`, `rows`, by `DOOR` alone.
"""

__all__: list[str] = []
