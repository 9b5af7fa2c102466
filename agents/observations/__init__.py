"""What happens to observations: they become rows of their data sets.

Others use nothing: agents are registered by `attach`.
"""

__all__: list[str] = []
