"""What happens to jobs that score data sets: their commands, their schedules, their runs on the trainers.

Others use nothing: agents are registered by `attach`, and processes run `process` by its name.
"""

__all__: list[str] = []
