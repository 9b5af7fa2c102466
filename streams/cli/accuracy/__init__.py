"""`tidecast accuracy` and `tidecast alerts`: how forecasts turned out, and what wants somebody to look.

Others use `scores`. Its modules are named in declarations of systems, too.
"""

__all__: list[str] = []
