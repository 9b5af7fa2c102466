"""What a job forecasts again and again: which elements of its submissions stay, when each is due, what it says of them.

Others use `elements`, `news`, `shadows` and `shown`.
"""

__all__: list[str] = []
