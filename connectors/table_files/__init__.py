"""Writes tables as files that other programs read, piece by piece.

Others use `forms.TableForm`, `forms.MEDIA_TYPES`, `writing.table_pieces` and `safe_cells.safe_cell`.
"""
