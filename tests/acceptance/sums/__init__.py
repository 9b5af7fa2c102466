"""Forecasts of series added up (issue 18, section 3)."""
