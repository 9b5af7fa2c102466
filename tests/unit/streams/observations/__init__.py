"""Observations as rows of data sets."""
