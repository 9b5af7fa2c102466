"""Processes: built (`apps`), run (`run`), watched (`stack`), gauged, and their installation on disk and broker.

Others use `apps`, `privacy`, `run`, `stack`.
"""

__all__: list[str] = []
