"""`tidecast what-if`."""

__all__: list[str] = []
