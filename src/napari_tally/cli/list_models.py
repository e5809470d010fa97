"""The commands that list, show and remove models."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import Annotated

import typer

from ..core.errors import InputError
from .run import failing, say

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a model, or a model folder.")]


def list_models() -> None:
    """List the models by what they are for, with their images, licence, source and size."""
    from ..models.known_models import library

    entries = library()
    width = max(len(entry.name) for entry in entries)
    for group, members in groupby(entries, key=lambda entry: entry.group):
        say(group)
        for entry in members:
            say(f"  {entry.name:{width}} {entry.purpose}")
            facts = (entry.images, entry.takes, entry.licence, entry.source, entry.size)
            say(f"  {'':{width}} {'; '.join(filter(None, facts))}")


def show_model(name: Name) -> None:
    """Show the purpose, training data and scores of a model."""
    from ..models.bundle import model_folder, read_card, read_info

    with failing():
        folder = model_folder(name)
        info, card = read_info(folder), read_card(folder)
    say(info.model_dump_json(indent=2))
    if card:
        say(f"\n{card}")


def remove_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of an imported model.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete an imported model.

    \b
    Example: tally models remove my-model
    """
    from ..models.user_models import check_imported, remove_model, user_models_folder

    with failing():
        check_imported(name)
        if not (yes or answering()):
            raise InputError(f"{name} is kept", hint="Confirm with --yes that it is to be deleted")
        if yes or typer.confirm(f"Delete {name} in {user_models_folder()}?"):
            remove_model(name)
            say(f"{name} is deleted")


def asked(question: str, *, yes: bool) -> bool:
    """Return the answer to a question; yes with `--yes`, or where nobody can answer."""
    return yes or not answering() or typer.confirm(question, default=True)


def answering() -> bool:
    """Return whether a person is at the terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()
