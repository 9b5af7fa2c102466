"""The service as commands see it: started, found, asked over HTTP."""

__all__: list[str] = []
