"""Arithmetic on whole arrays of series: columns, scales, seasons, intervals."""

__all__: list[str] = []
