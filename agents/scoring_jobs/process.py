"""What a process does that scores data sets. It loads models: a trainer only names it."""

from collections.abc import Callable

from agents.scoring_jobs.calls import Finish, MakeLines, Piece
from agents.scoring_jobs.finishing import finish, make_lines
from agents.scoring_jobs.piecework import score

__all__ = ["work"]


def work(argument: object, report: Callable[[object], None]) -> object:  # noqa: ARG001 - as all entries
    """The answer to what was asked for, whose class tells what that is."""
    match argument:
        case Piece():
            return score(argument)
        case Finish():
            return finish(argument)
        case MakeLines():
            return make_lines(argument)
    raise TypeError(f"{type(argument).__name__} is nothing that can be scored")
