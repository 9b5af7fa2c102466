"""What a trainer does with a version of a training job: which kind of run it is, its data, its processes, its end.

Others use `kinds`, `version_runs`.
"""

__all__: list[str] = []
