"""The commands about models: `tally models`, one module a verb."""

from __future__ import annotations

import typer

from .export_model import export_model
from .get_model import get_model
from .import_model import import_file
from .list_models import list_models, remove_model, show_model

models = typer.Typer(
    invoke_without_command=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False,
)  # fmt: skip


@models.callback()
def overview(context: typer.Context) -> None:
    """List the models, or import, show, export and remove one.

    \b
    Example: tally models show nuclei-2d
    """
    if context.invoked_subcommand is None:
        list_models()


models.command("list")(list_models)
models.command("show")(show_model)
models.command("import")(import_file)
models.command("get")(get_model)
models.command("export")(export_model)
models.command("remove")(remove_model)
