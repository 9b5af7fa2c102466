"""Jobs that score data sets, as values: scripts, how jobs and runs move forward; and their tables.

Others use `inputs`, `jobs`, `programs`, `runs`, `scripts`, `state`.
"""

__all__: list[str] = []
