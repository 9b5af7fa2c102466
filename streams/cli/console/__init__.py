"""What all commands share: terminal, errors, help, interrupts, settings, pictures."""

__all__: list[str] = []
