"""Commands for forecasts that are judged."""
