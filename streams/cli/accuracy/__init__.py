"""`tidecast alerts`: what wants somebody to look.

Its modules are named in declarations of systems. Others use nothing.
"""

__all__: list[str] = []
