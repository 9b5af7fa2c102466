"""Processes: built (`apps`), run (`run`), watched (`stack`), gauged, and their installation on disk and broker.

Others use `apps`, `home_lock`, `privacy`, `run`, `stack`.
"""

__all__: list[str] = []
