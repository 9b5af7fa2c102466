"""A built-in algorithm over a data set, for a version of a training job: by contract 000's own commands and functions.

Others use `run`.
"""

__all__: list[str] = []
