"""What happens: one module per concern; each has `attach(runtime)`, which registers its agents on the runtime's app."""

__all__: list[str] = []
