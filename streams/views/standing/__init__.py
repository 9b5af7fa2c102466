"""What bodies and answers of forecasting jobs say of refreshes.

Others use `bodies`.
"""

__all__: list[str] = []
