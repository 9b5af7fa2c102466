"""Child processes: that compute, that end with their parent, that end before memory does.

Others use `asked_process`, `compute_process`, `free_memory`, `guarded_process`, `process_set`.
"""

__all__: list[str] = []
