"""The commands about models: `tally models`."""

from __future__ import annotations

from typing import Annotated

import typer

from .run import failing, say

models = typer.Typer(
    invoke_without_command=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False,
)  # fmt: skip


@models.callback()
def overview(context: typer.Context) -> None:
    """List the built-in models, or show one.

    \b
    Example: tally models show nuclei-2d
    """
    if context.invoked_subcommand is None:
        list_models()


@models.command("list")
def list_models() -> None:
    """List the built-in models."""
    from ..models.bundle import model_folder, read_info, shipped_models

    for name in shipped_models():
        say(f"{name:14} {read_info(model_folder(name)).description}")


@models.command("show")
def show_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Built-in model or model folder.")],
) -> None:
    """Show the purpose, training data and scores of a model."""
    from ..models.bundle import model_folder, read_card, read_info

    with failing():
        folder = model_folder(name)
        info, card = read_info(folder), read_card(folder)
    say(info.model_dump_json(indent=2))
    if card:
        say(f"\n{card}")
