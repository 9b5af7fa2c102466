"""Long trainings of DeepAR: in processes of their own, with checkpoints, for training jobs and for series together."""

__all__: list[str] = []
