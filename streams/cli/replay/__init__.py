"""`tidecast replay`: computes the commands of a job again and compares with what was published.

Others use `command`.
"""

__all__: list[str] = []
