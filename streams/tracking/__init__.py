"""What is kept of runs that W&B's and MLflow's clients report, and what may be said of them.

Others use `experiments`, `runs`, `state`.
"""

__all__: list[str] = []
