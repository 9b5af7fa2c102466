"""DeepAR inference (contract 001): rules of transform jobs, and the processes that answer for endpoints.

Others use `calls`, `state`, `transforms`.
"""

__all__: list[str] = []
