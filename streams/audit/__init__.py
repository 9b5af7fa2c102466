"""Tells, on a topic of its own, of every write and of every refusal for lack of rights: who did what, and the outcome.

Others use `log` and `notes`.
"""

__all__: list[str] = []
