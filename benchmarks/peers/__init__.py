"""Other ways to write the trainer, doing the same work on the same commands. Each module is a process of its own."""

__all__: list[str] = []
