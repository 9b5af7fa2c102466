"""Training jobs (contract 002): their rows, and the runs that train.

Others use `jobs` and `runs`, by `attach` alone.
"""

__all__: list[str] = []
