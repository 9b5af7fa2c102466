"""What the processes do that answer what a forecast would be with other features. Others use nothing of it.

Processes are started by the name of their entry, in `process`.
"""

__all__: list[str] = []
