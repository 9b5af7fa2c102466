"""Services, which are deployed models (contract 003): their rules, and the processes that are their replicas.

Others use `answer_tensors`, `replicas`, `requests`, `services`, `state`, `tensors`.
"""

__all__: list[str] = []
