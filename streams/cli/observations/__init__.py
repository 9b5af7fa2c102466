"""`tidecast data …`: data sets that grow.

Its modules are named in declarations of systems. Others use nothing.
"""

__all__: list[str] = []
