"""`tidecast boil`."""

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def boil() -> None:
        """Boil a kettle."""
        typer.echo("boiled")
