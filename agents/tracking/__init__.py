"""What happens to experiments and runs of W&B's and MLflow's clients: their commands become rows.

Others use `commands`, by `attach`.
"""

__all__: list[str] = []
