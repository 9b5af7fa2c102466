"""Forecasts of series added up."""
