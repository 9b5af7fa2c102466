"""The service as commands see it: started, found, asked over HTTP.

Others use `asking`, `client`, `commands`, `credentials`, `newest`, `refusals`, `running`, `session`, `streaming`.
"""

__all__: list[str] = []
