"""`tidecast services`: models that are deployed, their replicas, and what they answer.

Others use nothing here.
"""

__all__: list[str] = []
