"""What the Models dock does in the background: read, save and download models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.progress import Step, Steps
from ...models.importing.proposal import ImportSettings

if TYPE_CHECKING:
    from ...models.download.download import Download
    from ...models.importing.proposal import Proposal


@dataclass(frozen=True, eq=False)
class Found:
    """A model that can be saved.

    Attributes
    ----------
    download : Download, optional
        Where it is from.
    """

    path: Path
    settings: ImportSettings
    proposal: Proposal
    download: Download | None = None


@dataclass(frozen=True)
class Saved:
    """A model that was saved."""

    name: str


def read_job(path: Path, settings: ImportSettings, download: Download | None) -> Steps[Found]:
    """Read a model of another program."""
    from ...models.download.download import credited
    from ...models.importing.importing import propose

    yield Step("read the model", 0, 0)
    proposal = propose(path, settings)
    if download is not None:
        proposal = credited(proposal, download)
    return Found(path, settings, proposal, download)


def save_job(found: Found, settings: ImportSettings) -> Steps[Saved]:
    """Save a model, read again with the corrections of the user."""
    from ...models.importing.importing import check_new_name, save_proposal
    from ...models.user_models import remove_model

    check_new_name(settings.model_name or found.proposal.info.name, overwrite=False)
    if settings != found.settings:
        found = yield from read_job(found.path, settings, found.download)
    yield Step("save the model", 0, 0)
    name = found.proposal.info.name
    save_proposal(found.proposal)
    try:
        yield Step("saved", 1, 1)
    except GeneratorExit:  # cancelled while it was written
        remove_model(name)
        raise
    return Saved(name)


def look_up_job(source: str) -> Steps[Download]:
    """Ask a server, or the folder of `TALLY_OFFLINE`, what a source has."""
    from ...models.download.download import kept_download, offline_folder
    from ...models.download.sources import look_up

    yield Step("ask the server", 0, 0)
    offline = offline_folder()
    return look_up(source) if offline is None else kept_download(source, offline)[0]


def fetch_job(download: Download) -> Steps[Found]:
    """Download a model and read it."""
    from ...models.download.download import fetch_steps, kept_download, offline_folder

    offline = offline_folder()
    if offline is None:
        path = yield from fetch_steps(download)
    else:
        path = kept_download(download.source, offline)[1]
    return (yield from read_job(path, ImportSettings(), download))
