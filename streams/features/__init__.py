"""What is made of rows before models see them: features of the steps to be forecast, holidays, longer steps.

Pure functions. Others use `aggregation`, `future`, `holiday_columns`.
"""

__all__: list[str] = []
