"""The LSTM models: training, forecasts, and their file in Keras' format.

Others use `specs`; the catalogue names `forecast`.
"""

__all__: list[str] = []
