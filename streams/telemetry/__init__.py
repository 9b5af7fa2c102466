"""What a process tells of itself: log lines, traces, counters.

Others use `counters`, `logs`, `tracing`.
"""

__all__: list[str] = []
