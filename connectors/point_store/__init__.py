"""Points of metrics on the disk of a worker: a hundred million of them, in order, without holding them in memory.

Others use `columns`, `reading`, `store`, `windows`.
"""

__all__: list[str] = []
