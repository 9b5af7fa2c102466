"""Refusals that reach a user: over HTTP as {status, code, message}, from a topic as a dead letter."""

from collections.abc import Mapping

__all__ = ["RejectedError"]


class RejectedError(Exception):
    """A request or command is refused and nothing has changed.

    `status` is the HTTP status, `code` a slug for programs, `message` names the field and the remedy for people.
    `place` says for programs where: `element`, from 0, and `field` (decision 19).
    """

    def __init__(self, status: int, code: str, message: str, place: Mapping[str, int | str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.place = {} if place is None else place
