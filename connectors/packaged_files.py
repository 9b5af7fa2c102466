"""Data that lie in installed packages, found without importing them: what they depend on may not be installed."""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

__all__ = ["packaged_file"]


def packaged_file(package: str, name: str) -> Path | None:
    """The package's file of this name, in whatever folder of it; None where the package or the file is not there."""
    try:
        found = next((file for file in files(package) or () if file.name == name), None)
    except PackageNotFoundError:
        return None
    return None if found is None else Path(str(found.locate()))
