"""Training jobs (contract 002): their rules as pure functions. No HTTP, no agent."""

__all__: list[str] = []
