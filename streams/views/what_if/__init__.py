"""The address at which it is asked what a forecast would be with other features.

Others use `what_if`, by `DOOR` alone.
"""

__all__: list[str] = []
