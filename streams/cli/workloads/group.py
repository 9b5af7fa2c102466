"""The group `tidecast metrics`, which the modules of this room put their commands into."""

import typer

__all__ = ["metrics_group"]

_NAME = "metrics"


def metrics_group(app: typer.Typer) -> typer.Typer:
    """The group, made by whoever asks first."""
    for known in app.registered_groups:
        if known.name == _NAME and known.typer_instance is not None:
            return known.typer_instance
    group = typer.Typer(
        help="Metrics of trainings: from files of any trainer, and while it runs.", no_args_is_help=True
    )
    app.add_typer(group, name=_NAME)
    return group
