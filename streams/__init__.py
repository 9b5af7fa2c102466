"""Where it flows and where state lives: settings, the Faust apps, topics, tables, HTTP views, the command line."""

__all__: list[str] = []
