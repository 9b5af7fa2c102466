"""The HTTP view: one module per resource. Views validate, append commands and read tables; they never write tables."""

__all__: list[str] = []
