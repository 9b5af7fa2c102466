"""`tidecast demo`: the main job on real data, with its table and plot."""

__all__: list[str] = []
