"""The LSTM models: training, forecasts, and their file in Keras' format."""

__all__: list[str] = []
