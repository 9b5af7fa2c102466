"""Users' models (contract 003): their rows, and what the processes do that look at them and let them answer.

Others use `process`, in processes of their own, and `models` by `attach` alone.
"""

__all__: list[str] = []
