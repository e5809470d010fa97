"""The command that downloads a model and imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..models.importing.proposal import ImportSettings
from .import_model import Overwrite, Yes, save
from .list_models import asked
from .options import with_flags
from .run import say, usage, with_bar


@with_flags
def get_model(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="hf:OWNER/NAME[/FILE][@REVISION], bioimageio:ID or https://... "
            "(with #sha256=... to state the checksum).",
        ),
    ],
    *,
    settings: ImportSettings,
    from_folder: Annotated[
        Path | None,
        typer.Option(
            "--from-folder",
            metavar="FOLDER",
            help="Take the download from this folder, without a network: a copy of the cache of "
            "another machine.",
        ),
    ] = None,
    yes: Yes = False,
    overwrite: Overwrite = False,
) -> None:
    """Download a model and import it.

    Shows size, checksum and licence, and asks before it downloads. A stopped download goes on where
    it was; a finished one is kept in the cache.

    \b
    Example: tally models get bioimageio:affable-shark --name nuclei-broad
    """
    from ..models.download.download import (
        STAGE,
        credited,
        fetch_steps,
        kept_download,
        offline_folder,
    )
    from ..models.download.sources import look_up
    from ..models.importing.importing import propose

    offline = from_folder or offline_folder()
    with usage():
        if offline:
            download, path = kept_download(source, offline.expanduser())
        else:
            download = look_up(source)
            for line in download.sentences:
                say(f"{line}.")
            if not asked("Download?", yes=yes):
                say("Nothing is downloaded.")
                return
            path = with_bar(fetch_steps(download), 1, quiet=False, whole=STAGE)
        save(credited(propose(path, settings), download), yes=yes, overwrite=overwrite)
