"""The command that imports a model of another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..models.importing.proposal import ImportSettings
from .list_models import asked
from .options import with_flags
from .run import say, usage

if TYPE_CHECKING:
    from ..models.importing.proposal import Proposal

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an imported model of the same name.")
]


@with_flags
def import_file(
    path: Annotated[
        Path, typer.Argument(metavar="FILE_OR_FOLDER", help="A model of another program.")
    ],
    *,
    settings: ImportSettings,
    yes: Yes = False,
    overwrite: Overwrite = False,
) -> None:
    """Import a model that other people trained; afterwards every command takes it by name.

    Shows what was understood of it, and asks before it saves.

    \b
    Example: tally models import yolo11n-seg.onnx --name cells
    """
    from ..models.importing.importing import propose

    with usage():
        save(propose(path, settings), yes=yes, overwrite=overwrite)


def save(proposal: Proposal, *, yes: bool, overwrite: bool) -> None:
    """Show what was understood of a model, ask, and save it."""
    from ..models.importing.importing import check_new_name, save_proposal

    name = proposal.info.name
    check_new_name(name, overwrite=overwrite)
    for line in proposal.understood:
        say(f"{line}.")
    for line in proposal.warnings:
        say(f"Note: {line}.")
    say(f"Licence: {proposal.info.licence}.")
    if not asked(f"Save as {name}?", yes=yes):
        say("Nothing is saved. Options correct what was understood: tally models import --help")
        return
    folder = save_proposal(proposal, overwrite=overwrite)
    say(f"Saved as {name} in {folder}")
