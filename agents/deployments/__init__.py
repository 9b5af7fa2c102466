"""Services, which are deployed models (contract 003): their rows, and the answers to requests by events.

Others use `services` and `requests`, by `attach` alone.
"""

__all__: list[str] = []
