"""Refusals as W&B's client reads them: a list of errors, as GraphQL has it, whatever was asked."""

from typing import Final

from pydantic import BaseModel

from streams.views.web.envelope import Envelope

__all__ = ["WANDB"]


class WandbProblem(BaseModel):
    """One thing that went wrong."""

    message: str


class WandbError(BaseModel):
    """What went wrong: a sentence for people."""

    error: str
    errors: list[WandbProblem]


WANDB: Final = Envelope(body=lambda it: {"error": it.message, "errors": [{"message": it.message}]}, shown=WandbError)
