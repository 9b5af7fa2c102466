"""What workloads are, and which points of metrics may be kept of them: the same rules for HTTP, events and files.

Others use `points`.
"""

__all__: list[str] = []
