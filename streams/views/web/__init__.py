"""What all addresses share: bodies, limits, refusals in the words of a contract, commands, passing on to the owner."""

__all__: list[str] = []
