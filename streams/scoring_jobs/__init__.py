"""Jobs that score data sets, as values: scripts, schedules, how jobs and runs move forward; and their tables.

Others use `inputs`, `jobs`, `programs`, `runs`, `schedules`, `scripts`, `state`.
"""

__all__: list[str] = []
