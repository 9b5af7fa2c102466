"""The service as commands see it: started, found, asked over HTTP.

Others use `asking`, `client`, `commands`, `credentials`, `newest`, `running`, `session`, `streaming`.
"""

__all__: list[str] = []
