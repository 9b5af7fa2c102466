"""Who asks, what they may do, and which things are whose: callers, tokens, signatures, users, keys, projects.

Others use `authenticator`, `caller`, `directory`, `failures`, `first_administrator`, `keys`, `names`, `once`,
`passwords`, `rules`, `signatures`, `state`, `tokens`, `vault`, `visibility`.
"""

__all__: list[str] = []
