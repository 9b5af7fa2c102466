"""Addresses of services (contract 003, section 3), of what is asked of them, and the Open Inference Protocol.

Others use nothing here.
"""

__all__: list[str] = []
