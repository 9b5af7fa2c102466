"""Training jobs (contract 002): their rows, and the runs that train."""

__all__: list[str] = []
