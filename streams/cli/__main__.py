"""`python -m streams.cli`, which is how the service starts its own workers."""

from streams.cli.main import main

__all__: list[str] = []

main()
