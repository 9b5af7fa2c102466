"""Answers of trained DeepAR models: single requests by events, and transform jobs over whole files."""

__all__: list[str] = []
