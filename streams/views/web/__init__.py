"""What all addresses share: bodies, limits, refusals in the words of a contract, commands, passing on to the owner.

Others use `admission`, `answers`, `browsers`, `commands`, `creations`, `door`, `envelope`, `files`, `forwarding`,
`limits`, `model_service`, `reading`, `refusals`, `strict`.
"""

__all__: list[str] = []
