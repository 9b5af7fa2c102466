"""A user's program, for a version of a training job: its folder, its workers, what it prints, measures and writes.

Others use `folders`, `run`.
"""

__all__: list[str] = []
