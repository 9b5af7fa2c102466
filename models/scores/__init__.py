"""How forecasts are judged: the contract's 32 scores by name, and comparisons between models.

Others use `metrics`, `windows`, and `names` where only names are checked.
"""

__all__: list[str] = []
