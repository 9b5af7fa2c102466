"""Which frequency times have, and what comes next (decision 16).

Others use `calendar`, `columns`, `cycles`, `names`, `public_holidays`, `rules`, `search`, `time_zones`.
"""

__all__: list[str] = []
