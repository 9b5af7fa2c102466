"""Users' models (contract 003): their rules as pure functions, and the processes that look at them and let them answer.

Others use `calls`, `form_values`, `models`, `processes`, `state`.
"""

__all__: list[str] = []
