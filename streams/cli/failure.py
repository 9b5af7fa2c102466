"""What a command says when it cannot do its work."""

__all__ = ["CommandError"]


class CommandError(Exception):
    """A command failed; the text is for the user and names the remedy."""
