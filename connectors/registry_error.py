"""That a schema registry cannot be used: apart, for its client takes long to load, and few have one."""

__all__ = ["RegistryError"]


class RegistryError(RuntimeError):
    """The registry cannot be used; the text names its address and the remedy."""
