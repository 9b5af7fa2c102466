"""What is known beside a series: features of the steps to be forecast. Pure functions, for all who train.

Others use `future`, `holiday_columns`.
"""

__all__: list[str] = []
