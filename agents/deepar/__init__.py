"""Long trainings of DeepAR: in processes of their own, with checkpoints, for training jobs and for series together.

Others use `job_runs`, `outcomes`, `pool`, `together_runs`.
"""

__all__: list[str] = []
