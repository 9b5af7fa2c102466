"""Why a call of a model has no answer; light, because every process that computes answers loads it."""

from streams.errors import RejectedError

__all__ = [
    "InferenceClosedError",
    "InferenceError",
    "InferenceUnavailableError",
    "ModelMissingError",
    "ModelUnreadableError",
]


class InferenceError(RejectedError):
    """There is no answer, and the one who asked is told why; asking again, or for less, may help."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status


class ModelMissingError(InferenceError):
    """The endpoint has been removed or has another model by now: look it up again."""

    def __init__(self, name: str) -> None:
        super().__init__(404, "NotFoundError", f"the model of the endpoint {name} has been removed")


class InferenceUnavailableError(RuntimeError):
    """Nothing can be computed at the moment, whatever is asked: no process can be started, the store cannot be read."""


class InferenceClosedError(RuntimeError):
    """The answer will not come, because the pool was closed."""


class ModelUnreadableError(RuntimeError):
    """In a process: the object store could not be read."""
