"""One version of a training job while a trainer runs it: what it is, what it says, how it ends.

Others use `config`, `data_places`, `log`, `metric_lists`, `outcomes`, `places`, `report`, `run`, `system_watch`,
`telling`, `version`.
"""

__all__: list[str] = []
