"""The commands about models: `tally models`."""

from __future__ import annotations

from typing import Annotated

import typer

from .run import failing

models_app = typer.Typer(help="The models that are shipped.", invoke_without_command=True)


@models_app.callback()
def models(context: typer.Context) -> None:
    """List the shipped models."""
    if context.invoked_subcommand is None:
        list_models()


@models_app.command("list")
def list_models() -> None:
    """List the shipped models."""
    from ..models.bundle import model_folder, read_info, shipped_models

    for name in shipped_models():
        typer.echo(f"{name:14} {read_info(model_folder(name)).description}")


@models_app.command("show")
def show_model(name: Annotated[str, typer.Argument(help="A shipped model, or a folder.")]) -> None:
    """Show what a model is for, what it was trained on and how it scored."""
    from ..models.bundle import model_folder, read_info

    with failing():
        folder = model_folder(name)
        card = folder / "docs" / "README.md"
        info = read_info(folder)
    typer.echo(info.model_dump_json(indent=2))
    if card.is_file():
        typer.echo(f"\n{card.read_text('utf-8')}")
