"""How forecasts are judged: the contract's 32 scores by name, and comparisons between models."""

__all__: list[str] = []
