"""How forecasts are judged by what came (issue 18, section 2)."""
