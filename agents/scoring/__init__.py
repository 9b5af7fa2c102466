"""Users' models (contract 003): their rows, and what the processes do that look at them and let them answer.

Others use `models` by `attach` alone; `process` is named, and run in processes.
"""

__all__: list[str] = []
