"""`tidecast jobs …`: training jobs, their versions and logs.

Its modules are named in declarations of systems; others use none of them.
"""

__all__: list[str] = []
