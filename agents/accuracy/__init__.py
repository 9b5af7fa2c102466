"""What happens to forecasts when values come for their times: they are judged.

Others use nothing: agents are registered by `attach`.
"""

__all__: list[str] = []
