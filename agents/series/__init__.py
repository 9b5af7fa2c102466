"""What a trainer does with one series after another.

It computes forecasts: quick ones in a thread, heavy ones in processes.
"""

__all__: list[str] = []
