"""Commands of access control: `tidecast access`.

Others use `commands`.
"""

__all__: list[str] = []
