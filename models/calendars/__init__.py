"""Which frequency times have, and what comes next (decision 16).

Others use `calendar`, `columns`, `names`, `rules`, `search`, `time_zones`.
"""

__all__: list[str] = []
