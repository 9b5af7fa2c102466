"""`tidecast metrics …`: points of training metrics, from files into the service.

Its modules are named in declarations of systems. Others use `tables`.
"""

__all__: list[str] = []
