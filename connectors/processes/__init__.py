"""Child processes: that compute, that end with their parent, that end before memory does."""

__all__: list[str] = []
