"""Models fitted by libraries, series after series: smoothing, ARIMA, theta, gradient boosting."""

__all__: list[str] = []
