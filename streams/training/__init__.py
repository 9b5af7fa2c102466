"""Training jobs (contract 002): their rules as pure functions. No HTTP, no agent.

Others use `algorithms`, `config_fields`, `configs`, `configurations`, `earlier`, `jobs`, `limits`, `listing`,
`resources`, `state`, `states`, `user_code`, `versions`, `visualizations`.
"""

__all__: list[str] = []
