"""Services, which are deployed models (contract 003): their rules, and the processes that are their replicas.

Others use `requests`, `services`, `state`.
"""

__all__: list[str] = []
