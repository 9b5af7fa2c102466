"""What an observation must be to become a row of its data set, for both of its doors.

Others use `forms`, `checks`, `bodies`, `table_bodies`.
"""

__all__: list[str] = []
