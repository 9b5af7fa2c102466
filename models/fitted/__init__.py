"""Models fitted by libraries, series after series: smoothing, ARIMA, theta, gradient boosting.

Others use `covariates`, `regression`, `specs`; the catalogue names the models.
"""

__all__: list[str] = []
