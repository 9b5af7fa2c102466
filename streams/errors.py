"""Refusals that reach a user: over HTTP as {status, code, message}, from a topic as a dead letter."""

__all__ = ["RejectedError"]


class RejectedError(Exception):
    """A request or command is refused and nothing has changed.

    `status` is the HTTP status, `code` a slug for programs, `message` names the field and the remedy for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
