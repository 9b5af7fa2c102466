"""Programs of users: how one is shut in, limited, watched and ended whole, and what it prints made into clean lines.

Others use `folders`, `log_lines`, `modes`, `programs`, `runs`, `system_samples`.
"""

__all__: list[str] = []
