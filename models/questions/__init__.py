"""What is asked about forecasts with features: what they would be with others, and what these add to them.

Others use `explanations` and `what_if`.
"""

__all__: list[str] = []
