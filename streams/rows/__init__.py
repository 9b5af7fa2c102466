"""Tables: rows of an owner, their log, their recovery, and who owns which. Knows no job.

Others use `event_table`, `log_guard`, `lost_commands`, `ownership`, `recovery`, `row_stores`,
`tally`.
"""

__all__: list[str] = []
