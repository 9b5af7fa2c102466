"""The one kind of error that this room raises on purpose."""

__all__ = ["RejectedInputError"]


class RejectedInputError(ValueError):
    """The caller's input is wrong; `field` names it and `message` says in plain words what to change.

    `str(error)` is the message alone and may be shown to a user as it is. Trying again without a change is useless.
    """

    def __init__(self, field: str, message: str) -> None:
        """Refuse the input `field`, for the reason and with the remedy that `message` gives."""
        super().__init__(message)
        self.field = field
        self.message = message
