"""What the state does with forecasting jobs: creates, submits, sends out training, takes results, stops, deletes."""

__all__: list[str] = []
