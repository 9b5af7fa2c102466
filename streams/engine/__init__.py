"""Faust made safe: how messages come, are handled in order, tried again, and acknowledged. Knows no job.

Others use `agents`, `command_waiters`, `consumer`, `dead_letters`, `deliveries`, `hands`, `ids`, `letters`, `tenure`,
`transport`, `tries`.
"""

__all__: list[str] = []
