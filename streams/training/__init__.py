"""Training jobs (contract 002): their rules as pure functions. No HTTP, no agent.

Others use `jobs`, `state`, `user_code`.
"""

__all__: list[str] = []
