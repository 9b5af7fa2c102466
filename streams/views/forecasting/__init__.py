"""Addresses of contract 000: data sets, jobs, models, forecasts."""

__all__: list[str] = []
