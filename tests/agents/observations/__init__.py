"""Observations as events, message in and message out."""
