"""Answers of trained DeepAR models: single requests by events, and transform jobs over whole files.

Others use `answering` and `transforms`, by `attach` alone; `process` is started by name.
"""

__all__: list[str] = []
