"""Processes: built (`apps`), run (`run`), watched (`stack`), gauged, and their installation on disk and broker."""

__all__: list[str] = []
