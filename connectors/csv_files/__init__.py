"""CSV files as people write them: how text, cells, numbers and times are read, and what is told of doubts."""

__all__: list[str] = []
