"""Faust made safe: how messages come, are handled in order, tried again, and acknowledged. Knows no job."""

__all__: list[str] = []
