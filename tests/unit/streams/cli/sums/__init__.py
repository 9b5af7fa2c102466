"""`tidecast sums`."""
