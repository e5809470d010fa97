"""Import models of other formats: recognize the format, propose a model, save it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...core.atomic import replacing_all
from ...core.errors import FileError, ModelError, OutputExistsError
from ...core.user_path import user_path
from ..bundle import CARD, save_described, shipped_models
from ..copy_bundle import check_target
from ..user_models import check_name, user_models, user_models_folder
from . import bioimageio, hugging_face, monai_bundle, nnunet, onnx_file, torchscript_file

if TYPE_CHECKING:
    from .proposal import ImportSettings, Proposal


class Loader(Protocol):
    """The interface of the modules of loaders, one format each."""

    FORMAT: str

    def recognizes(self, path: Path) -> bool:
        """Return whether a file or folder is of this format, by its names and first bytes."""

    def propose(self, path: Path, settings: ImportSettings) -> Proposal:
        """Read it without running code, unless it is trusted.

        Raises
        ------
        ModelError, FileError
            If it cannot be used; the sentence says why.
        """


LOADERS: tuple[Loader, ...] = (
    bioimageio, monai_bundle, nnunet, hugging_face, onnx_file, torchscript_file,
)  # asked in this order  # fmt: skip


def propose(path: Path, settings: ImportSettings) -> Proposal:
    """Return what is understood of a model file or folder; nothing is written.

    Raises
    ------
    ModelError, FileError
        If it cannot be used.
    """
    path = user_path(path)
    if not path.exists():
        raise FileError(f"There is no file or folder {path}")
    for loader in LOADERS:
        if loader.recognizes(path):
            return loader.propose(path, settings)
    formats = ", ".join(loader.FORMAT for loader in LOADERS)
    raise ModelError(f"{path} is no model of a known format", hint=f"Known are: {formats}")


def check_new_name(name: str, *, overwrite: bool) -> None:
    """Refuse a name for a model to import that is taken, or that no model can have.

    Raises
    ------
    InputError, OutputExistsError
        If a model cannot be saved under it.
    """
    check_name(name)
    if name in shipped_models():
        raise OutputExistsError(
            f"{name} is the name of a built-in model", hint="Choose another one"
        )
    if name in user_models() and not overwrite:
        raise OutputExistsError(
            f"There is a model of the name {name} already",
            hint="Choose another name, or remove that model first",
        )


def save_proposal(proposal: Proposal, *, overwrite: bool = False) -> Path:
    """Save a proposed model in the user's folder, completely or not at all; return its folder.

    Raises
    ------
    OutputExistsError
        If a model of that name exists.
    """
    check_new_name(proposal.info.name, overwrite=overwrite)
    target = user_models_folder() / proposal.info.name
    check_target(target, overwrite=overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing_all(target) as folder:
        folder.mkdir(exist_ok=True)
        proposal.write(folder)
        save_described(folder, proposal.info)
        if proposal.card:
            (folder / CARD).parent.mkdir(exist_ok=True)
            (folder / CARD).write_text(proposal.card, "utf-8")
    return target
