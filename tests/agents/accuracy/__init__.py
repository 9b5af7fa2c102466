"""Forecasts that are judged, message in and message out."""
