"""A trained DeepAR model answers: instances and configuration in, predictions out (contract 001)."""

__all__: list[str] = []
