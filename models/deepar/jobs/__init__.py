"""DeepAR as the catalogue's models and as training jobs: alone, together, with grids and settings.

Others use `alone`, `grid`, `together`.
"""

__all__: list[str] = []
