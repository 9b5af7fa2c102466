"""Addresses of contract 003 for data sets by name, and for jobs and runs that score them.

Others use `add_dataset`, `datasets`, `scripts`, `jobs`, `job_addresses`, `runs`, by `DOOR` alone.
"""

__all__: list[str] = []
