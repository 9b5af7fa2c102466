"""`tidecast metrics …`: points of training metrics, from files into the service.

Its modules are named in declarations of systems; others use none of them.
"""

__all__: list[str] = []
