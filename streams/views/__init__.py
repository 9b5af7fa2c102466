"""The HTTP view: one module per resource. Views validate, append commands and read tables; they never write tables.

Others use `application`.
"""

__all__: list[str] = []
