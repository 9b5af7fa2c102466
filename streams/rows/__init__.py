"""Tables: rows of an owner, their log, their recovery, and who owns which. Knows no job."""

__all__: list[str] = []
