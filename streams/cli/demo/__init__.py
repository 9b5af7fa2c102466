"""`tidecast demo`: the main job on real data, with its table and plot.

Others use `command`.
"""

__all__: list[str] = []
