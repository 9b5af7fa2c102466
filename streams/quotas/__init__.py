"""How much a project may have: limits of settings and of its own, what is used of them, and the refusal of more.

Others use `limits` and `state`.
"""

__all__: list[str] = []
