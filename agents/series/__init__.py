"""What a trainer does with one series after another: quick models in a thread, heavy ones in processes.

Others use `answers`, `offload`, `requests`, `training`, `turns`.
"""

__all__: list[str] = []
