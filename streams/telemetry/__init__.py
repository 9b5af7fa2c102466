"""What a process tells of itself: log lines, traces, counters."""

__all__: list[str] = []
