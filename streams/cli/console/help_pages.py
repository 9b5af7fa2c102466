"""How the help pages look: docstrings flow to the terminal's width, and an option without a value shows none."""

import inspect
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["polish"]


def polish(app: typer.Typer) -> None:
    """Have the commands of this application, and of the groups in it, show their help so."""
    app.info.cls = _Group
    for command in app.registered_commands:
        command.cls = _Command
        command.help = _flowing((command.callback and command.callback.__doc__) or "")
    for group in app.registered_groups:
        if group.typer_instance is not None:
            polish(group.typer_instance)


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types(super().get_params(ctx))


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types(super().get_params(ctx))


def _flowing(docstring: str) -> str:
    """Typer keeps the line ends of all paragraphs but the first (as of 0.29)."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


def _without_types(params: list[Any]) -> list[Any]:
    """Typer writes <bool> behind a flag (as of 0.29), as if a value were to follow."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params
