"""`tidecast deepar …`: trains and asks DeepAR models, with files and charts of one's own."""

__all__: list[str] = []
