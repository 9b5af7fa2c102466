"""DeepAR as the catalogue's models and as training jobs: alone, together, with grids and settings."""

__all__: list[str] = []
