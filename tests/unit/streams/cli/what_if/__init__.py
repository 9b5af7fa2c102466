"""`tidecast what-if`."""
