"""`tidecast runs …`: runs of jobs that score data sets.

Its modules are named in declarations of systems; others use none of them.
"""

__all__: list[str] = []
