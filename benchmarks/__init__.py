"""Measured ratios. `python -m benchmarks` runs all of them; README.md says what each compares."""

__all__: list[str] = []
