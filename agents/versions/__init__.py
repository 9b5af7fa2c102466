"""One version of a training job while a trainer runs it: what it is, what it says, how it ends.

Others use `log`, `metric_lists`, `outcomes`, `points`, `run`, `telling`, `version`.
"""

__all__: list[str] = []
