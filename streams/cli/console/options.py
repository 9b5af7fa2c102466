"""Arguments and options whose default is that nothing is given, which help pages need not show; and `--all`."""

from typing import Annotated, Any

import typer

__all__ = ["AllRows", "argument", "option"]


def argument(**told: Any) -> Any:
    """As `typer.Argument`."""
    return typer.Argument(show_default=False, **told)


def option(*names: str, **told: Any) -> Any:
    """As `typer.Option`."""
    return typer.Option(*names, show_default=False, **told)


AllRows = Annotated[bool, typer.Option("--all", help="Print every row of a long table.")]
