"""Answers of trained models, computed in processes that models of one kind share; a kind says how they are asked.

Others use `pool.ServingPool`, `kinds` and `errors`.
"""

__all__: list[str] = []
