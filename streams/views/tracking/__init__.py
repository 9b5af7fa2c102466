"""Addresses that the stock clients of W&B and MLflow call: their runs become workloads, their metrics points.

Others use `mlflow_experiments`, `mlflow_runs`, `wandb`, `wandb_dropped`, by `DOOR` alone.
"""

__all__: list[str] = []
