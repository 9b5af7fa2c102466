"""`tidecast what-if` and `tidecast explain`."""

__all__: list[str] = []
