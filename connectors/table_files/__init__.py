"""Tables as files that other programs read, written piece by piece; and files that they wrote, read as CSV.

Others use `forms`, `reading`, `safe_cells`, `workbooks` and `writing`.
"""
