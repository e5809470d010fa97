"""A model folder that differs from another by what it says of itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.atomic import replacing_all
from ..core.errors import OutputExistsError
from .bundle import METADATA, SHIPPED, save_info

if TYPE_CHECKING:
    from .bundle import Model
    from .model_info import ModelInfo


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a folder for a model that would replace something, or a shipped model.

    Raises
    ------
    OutputExistsError
        If the folder exists and is not to be overwritten, is none of a model, or is shipped.
    """
    if SHIPPED in target.resolve().parents or target.resolve() == SHIPPED:
        raise OutputExistsError("A folder outside of the package is needed", f"{target}")
    if not target.exists():
        return
    if not (target / METADATA).is_file():
        raise OutputExistsError("A new folder is needed for the model", f"{target}, which exists")
    if not overwrite:
        raise OutputExistsError(
            "A new folder is needed for the model",
            f"{target}, which holds one",
            "Use --overwrite or another folder",
        )


def copy_model(model: Model, info: ModelInfo, target: Path, *, overwrite: bool = False) -> None:
    """Write a model as another folder, whole or not at all, with `info` as what it says of itself.

    Raises
    ------
    OutputExistsError
        See `check_target`.
    FileError
        If the folder cannot be written.
    """
    check_target(target, overwrite=overwrite)
    with replacing_all(target) as folder:
        shutil.copytree(model.folder, folder)
        save_info(folder, info)
