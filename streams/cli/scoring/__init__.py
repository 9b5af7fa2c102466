"""Commands of the model service: `tidecast models`.

Others use `models`.
"""

__all__: list[str] = []
